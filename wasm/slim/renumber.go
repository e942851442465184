package main

import (
	"maps"
	"slices"
)

// numbering gives the basic blocks of a function new numbers: in order those that the dispatcher
// leads to, because a call that may resume ends before them or a jump goes back to them. So all
// dispatchers count up, and calls and tables of pcs need few numbers. Where nothing resumes, a call
// has any number of which the runtime's tables say the same:
//
//  1. A frame's size stands at the number, and a stack map at the one before.
//  2. A frame that panicked by sigpanic needs no stack map of its own: it goes on at deferreturn.
//  3. deferreturn's number is entered, and its stack map stands at it.
type numbering struct {
	record record
	tables *tables
	d      dispatcher
	to     map[int64]int64 // new numbers by old ones
	table  []blockID
	sizes  map[int64]int32
	maps   map[int64]int32
}

// renumber renumbers the basic blocks of a function, unless it isn't as those of the compiler.
func (f *function) renumber(number int, r record, t *tables, sigpanic int64) (pcs pcTables, err error) {
	calls, ok := f.returnAddresses(number)
	if !ok || !f.standard() {
		return pcs, nil
	}
	d, dispatches := f.findDispatcher()
	returned, entered := map[int64]bool{}, map[int64]bool{}
	for _, call := range calls {
		if call.resumes && call.block != 0 {
			returned[call.block] = true
		}
	}
	deferReturn := int64(order.Uint32(r[deferReturnAt:]))
	if deferReturn != 0 {
		returned[deferReturn] = true
	}
	maps.Copy(entered, returned)
	for at := range f.code {
		if n, ok := d.jump(f, at); ok && n != 0 {
			entered[n] = true
		}
	}
	if len(entered) > 0 && !dispatches {
		return pcs, nil
	}

	n := numbering{record: r, tables: t, d: d, to: map[int64]int64{0: 0}, sizes: map[int64]int32{}, maps: map[int64]int32{}}
	if n.sizes[0], err = t.frameSize(r, 0); err != nil {
		return pcs, err
	}
	if dispatches {
		n.table = d.table[:1:1]
		if err := n.enter(entered, returned, deferReturn); err != nil {
			return pcs, err
		}
		f.code[d.at].table = n.table
	}
	for at := range f.code {
		if old, ok := d.jump(f, at); ok {
			f.code[at].a = n.to[old]
		}
	}
	for _, call := range calls {
		to := n.to[call.block]
		if !call.resumes && call.block != 0 {
			if to, err = n.share(call.block, call.callee == sigpanic); err != nil {
				return pcs, err
			}
		}
		f.code[call.at].a += to - call.block
	}
	order.PutUint32(r[deferReturnAt:], uint32(n.to[deferReturn]))
	return pcTables{encodePCs(n.sizes), encodePCs(n.maps)}, nil
}

// enter numbers the basic blocks that are entered, and makes the dispatcher's table.
func (n *numbering) enter(entered, returned map[int64]bool, deferReturn int64) error {
	last := int64(0)
	byBlock := map[blockID]int64{}
	for _, old := range slices.Sorted(maps.Keys(entered)) {
		block := n.d.to(old)
		if known, ok := byBlock[block]; ok && !returned[old] {
			n.to[old] = known
			continue
		}
		if _, ok := n.maps[last]; ok && n.to[deferReturn] == last && old != deferReturn+1 {
			last++ // the stack map at last is deferreturn's
			n.table = append(n.table, block)
		}
		last++
		n.to[old], byBlock[block] = last, last
		n.table = append(n.table, block)
		if !returned[old] {
			continue
		}
		if err := n.describe(last, old); err != nil {
			return err
		}
		if old == deferReturn {
			var err error
			if n.maps[last], err = n.tables.stackMap(n.record, old); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe notes what the runtime's tables say of a call that returns to a basic block.
func (n *numbering) describe(number, old int64) (err error) {
	if n.sizes[number], err = n.tables.frameSize(n.record, old); err != nil {
		return err
	}
	n.maps[number-1], err = n.tables.stackMap(n.record, old-1)
	return err
}

// share returns the first number that says the same of a call where nothing resumes.
func (n *numbering) share(old int64, sigpanic bool) (int64, error) {
	size, err := n.tables.frameSize(n.record, old)
	if err != nil {
		return 0, err
	}
	stackMap, err := n.tables.stackMap(n.record, old-1)
	if err != nil {
		return 0, err
	}
	for number := int64(1); ; number++ {
		itsSize, hasSize := n.sizes[number]
		itsMap, hasMap := n.maps[number-1]
		if hasSize && itsSize != size || hasMap && itsMap != stackMap && !sigpanic {
			continue
		}
		n.sizes[number] = size
		if !sigpanic {
			n.maps[number-1] = stackMap
		}
		return number, nil
	}
}
