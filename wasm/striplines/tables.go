package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// headerStart is magic, zeros, quantum and pointer size of the tables of Go 1.20 and later.
const headerStart = "\xf1\xff\xff\xff\x00\x00\x01\x08"

// Fields of a function's record that are offsets or lines.
const (
	pcspAt      = 16
	pcfileAt    = 20
	pclnAt      = 24
	npcdataAt   = 28
	unitAt      = 32
	startLineAt = 36
	recordLen   = 44
)

// Tables of a record's pcdata that a module can do without: where a signal must not preempt, and
// which of the arguments that a crash prints may be stale.
var needless = map[int]bool{0: true, 3: true}

var errMalformed = errors.New("the tables of functions are not as expected of this version of Go")

var order = binary.LittleEndian

// tables is the tables of functions in a program's memory.
type tables struct {
	count     int
	units     []byte
	fileNames []byte
	pcs       []byte
	functions []byte // the pairs, then the records
}

func findTables(memory []byte) (*tables, error) {
	at := bytes.Index(memory, []byte(headerStart))
	if at < 0 || bytes.Contains(memory[at+1:], []byte(headerStart)) {
		return nil, errMalformed
	}
	memory = memory[at:]
	if len(memory) < 72 {
		return nil, errMalformed
	}
	field := func(i int) uint64 { return order.Uint64(memory[8+8*i:]) }
	starts := []uint64{field(4), field(5), field(6), field(7), uint64(len(memory))}
	for i, start := range starts[1:] {
		if start < starts[i] {
			return nil, errMalformed
		}
	}
	part := func(i int) []byte { return memory[starts[i]:starts[i+1]] }
	t := &tables{count: int(field(0)), units: part(0), fileNames: part(1), pcs: part(2), functions: part(3)}
	if field(0) > uint64(len(t.functions))/recordLen {
		return nil, errMalformed
	}
	return t, nil
}

// strip empties what tells file and line.
func (t *tables) strip() error {
	used := make([]bool, len(t.pcs))
	for i := range t.count {
		offset := int(order.Uint32(t.functions[8*i+4:]))
		if offset+recordLen > len(t.functions) {
			return fmt.Errorf("function %d: %w", i, errMalformed)
		}
		if err := t.stripRecord(t.functions[offset:], used); err != nil {
			return fmt.Errorf("function %d: %w", i, err)
		}
	}
	for i := range t.pcs {
		if !used[i] {
			t.pcs[i] = 0
		}
	}
	clear(t.units)
	clear(t.fileNames)
	return nil
}

// stripRecord empties fields of a record, and marks the pc tables that it still uses.
func (t *tables) stripRecord(record []byte, used []bool) error {
	for _, field := range []int{pcfileAt, pclnAt, unitAt, startLineAt} {
		order.PutUint32(record[field:], 0)
	}
	if err := t.use(order.Uint32(record[pcspAt:]), used); err != nil {
		return err
	}
	count := int(order.Uint32(record[npcdataAt:]))
	if count > (len(record)-recordLen)/4 {
		return errMalformed
	}
	for i := range count {
		field := record[recordLen+4*i:]
		if needless[i] {
			order.PutUint32(field, 0)
		}
		if err := t.use(order.Uint32(field), used); err != nil {
			return err
		}
	}
	return nil
}

// use marks the bytes of a pc table.
func (t *tables) use(offset uint32, used []bool) error {
	if offset == 0 {
		return nil
	}
	for at, first := int(offset), true; ; first = false {
		value, err := t.useNumber(&at, used)
		if err != nil || value == 0 && !first {
			return err
		}
		if _, err := t.useNumber(&at, used); err != nil {
			return err
		}
	}
}

func (t *tables) useNumber(at *int, used []bool) (uint64, error) {
	if *at >= len(t.pcs) {
		return 0, errMalformed
	}
	n, width := binary.Uvarint(t.pcs[*at:])
	if width <= 0 {
		return 0, errMalformed
	}
	for range width {
		used[*at] = true
		*at++
	}
	return n, nil
}
