package main

import (
	"fmt"
	"slices"
)

// Kinds of pcdata and of extras, as package internal/abi numbers them.
const (
	pcdataUnsafePoint = 0 // where a signal must not preempt: there are none
	pcdataStackMap    = 1
	pcdataInlined     = 2
	pcdataArgLive     = 3

	extraInlined = 3
	extraArgs    = 5
	extraArgLive = 6
)

// inlinedCallLen is the length of a call in an extra of kind extraInlined, which has its name at 4.
const inlinedCallLen = 16

// none is the place in extras of what isn't there.
const none = 1<<32 - 1

// strip empties what is only for printing stacks.
func (t *tables) strip() error {
	records, err := t.records()
	if err != nil {
		return err
	}
	extras, err := t.listExtras(records)
	if err != nil {
		return err
	}
	names := newNames(t.names)
	for i, r := range records {
		if err := t.stripRecord(r, extras, names); err != nil {
			return fmt.Errorf("function %d: %w", i, err)
		}
	}
	names.clearUnused()
	extras.clearUnused(t.extras)
	clear(t.units)
	clear(t.fileNames)
	return nil
}

// stripRecord empties fields of a record, and marks what it still uses.
func (t *tables) stripRecord(r record, extras *extraList, names *nameTable) error {
	for _, field := range []int{pcfileAt, pclnAt, unitAt, startLineAt} {
		order.PutUint32(r[field:], 0)
	}
	if err := names.strip(r); err != nil {
		return err
	}
	for kind := range r.npcdata() {
		field := r.pcdata(kind)
		if kind > pcdataArgLive && order.Uint32(field) != 0 {
			return errMalformed // renumber knows no other tables by basic blocks
		}
		if kind == pcdataUnsafePoint || kind == pcdataArgLive || kind == pcdataInlined && !r.special() {
			order.PutUint32(field, 0)
		}
	}
	for kind := range int(r[nextrasAt]) {
		field := r.extra(kind)
		place := order.Uint32(field)
		if place == none {
			continue
		}
		if kind == extraArgs || kind == extraArgLive || kind == extraInlined && !r.special() {
			order.PutUint32(field, none)
			continue
		}
		extras.used[place] = true
		if kind == extraInlined {
			if err := names.useInlined(t.extras[place:extras.end(place)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// extraList tells where the extras begin, and which are in use. One ends where the next begins:
// all that the region has is some function's.
type extraList struct {
	starts []uint32 // in order
	used   map[uint32]bool
}

func (t *tables) listExtras(records []record) (*extraList, error) {
	l := &extraList{used: map[uint32]bool{}}
	for _, r := range records {
		for kind := range int(r[nextrasAt]) {
			switch place := order.Uint32(r.extra(kind)); {
			case place == none:
			case int(place) >= len(t.extras):
				return nil, errMalformed
			default:
				l.starts = append(l.starts, place)
			}
		}
	}
	slices.Sort(l.starts)
	l.starts = slices.Compact(l.starts)
	return l, nil
}

// end returns where the extra that starts at a place ends, for the last one its start: it stays.
func (l *extraList) end(start uint32) uint32 {
	i, _ := slices.BinarySearch(l.starts, start)
	return l.starts[min(i+1, len(l.starts)-1)]
}

func (l *extraList) clearUnused(extras []byte) {
	for _, start := range l.starts {
		if !l.used[start] {
			clear(extras[start:l.end(start)])
		}
	}
}

func clearUnused(data []byte, used []bool) {
	for i := range data {
		if !used[i] {
			data[i] = 0
		}
	}
}
