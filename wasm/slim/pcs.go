package main

import (
	"encoding/binary"
	"maps"
	"slices"
)

// walkPCs calls visit with the value and the end of each run of basic blocks in a table of pcs,
// and returns where the table ends. A table starts with value -1 at basic block 0:
//
//	pairs of varints: signed what the value grows by, length of the run | 0
func (t *tables) walkPCs(offset uint32, visit func(value int32, end int64)) (int, error) {
	at, value, runEnd := int(offset), int32(-1), int64(0)
	number := func() uint64 {
		n, width := binary.Uvarint(t.pcs[min(at, len(t.pcs)):])
		if width <= 0 {
			at = len(t.pcs) + 1
		}
		at += width
		return n
	}
	for first := true; at <= len(t.pcs); first = false {
		delta := number()
		if delta == 0 && !first {
			break
		}
		value += int32(delta>>1) ^ -int32(delta&1)
		runEnd += int64(number())
		visit(value, runEnd)
	}
	if at > len(t.pcs) {
		return 0, errMalformed
	}
	return at, nil
}

// lookUp returns what a table of pcs has for a basic block.
func (t *tables) lookUp(offset uint32, n int64) (found int32, err error) {
	ok := false
	_, err = t.walkPCs(offset, func(value int32, end int64) {
		if !ok && n < end {
			found, ok = value, true
		}
	})
	if err == nil && !ok {
		err = errMalformed
	}
	return found, err
}

// frameSize returns how large a function's frame is in a basic block.
func (t *tables) frameSize(r record, n int64) (int32, error) {
	offset := order.Uint32(r[pcspAt:])
	if offset == 0 {
		return 0, nil
	}
	return t.lookUp(offset, n)
}

// stackMap returns the number of a function's stack map in a basic block.
func (t *tables) stackMap(r record, n int64) (int32, error) {
	if r.npcdata() <= pcdataStackMap {
		return 0, nil
	}
	offset := order.Uint32(r.pcdata(pcdataStackMap))
	if offset == 0 {
		return 0, nil
	}
	return t.lookUp(offset, n)
}

// encodePCs returns a table of pcs. A value holds up to the next one, the last for ever: so that
// functions share tables.
func encodePCs(values map[int64]int32) []byte {
	var table []byte
	written, start := int32(-1), int64(0)
	value := int32(0)
	write := func(end int64) {
		delta := value - written
		table = binary.AppendUvarint(table, uint64(uint32(delta<<1^delta>>31)))
		table = binary.AppendUvarint(table, uint64(end-start))
		written, start = value, end
	}
	for i, n := range slices.Sorted(maps.Keys(values)) {
		if i > 0 && values[n] != value {
			write(n)
		}
		value = values[n]
	}
	write(blocks)
	return append(table, 0)
}

// pcTables are new tables of pcs for a function, where they are not nil.
type pcTables struct{ sizes, maps []byte }

// layOutPCs writes all tables of pcs anew, each once and those that most functions use first.
func (t *tables) layOutPCs(records []record, replaced []pcTables) error {
	type use struct {
		field []byte
		table string
	}
	var uses []use
	count := map[string]int{}
	add := func(field, replacement []byte) error {
		offset := order.Uint32(field)
		if offset == 0 {
			return nil
		}
		table := replacement
		if table == nil {
			end, err := t.walkPCs(offset, func(int32, int64) {})
			if err != nil {
				return err
			}
			table = t.pcs[offset:end]
		}
		uses = append(uses, use{field, string(table)})
		count[string(table)]++
		return nil
	}
	for i, r := range records {
		if err := add(r[pcspAt:][:4], replaced[i].sizes); err != nil {
			return err
		}
		for kind := range r.npcdata() {
			var replacement []byte
			if kind == pcdataStackMap {
				replacement = replaced[i].maps
			}
			if err := add(r.pcdata(kind), replacement); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(uses, func(a, b use) int { return count[b.table] - count[a.table] })
	pcs := []byte{0}
	places := map[string]uint32{}
	for _, u := range uses {
		if _, ok := places[u.table]; !ok {
			places[u.table] = uint32(len(pcs))
			pcs = append(pcs, u.table...)
		}
		order.PutUint32(u.field, places[u.table])
	}
	if len(pcs) > len(t.pcs) {
		return errMalformed
	}
	clear(t.pcs)
	copy(t.pcs, pcs)
	return nil
}
