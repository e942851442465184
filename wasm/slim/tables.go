package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// headerStart is magic, zeros, quantum and pointer size of the tables of Go 1.20 and later.
const headerStart = "\xf1\xff\xff\xff\x00\x00\x01\x08"

// Words of the header, of eight bytes each: counts, and offsets of the tables from the header.
const (
	headerCount = 1 + iota
	headerFiles
	headerTextStart
	headerNames
	headerUnits
	headerFileNames
	headerPCs
	headerFunctions
	headerWords
)

// Words of package runtime's moduledata, which begins with the header's address. A table takes
// three: address, length, capacity.
const (
	dataNames     = 1
	dataFunctions = 13
	dataPairs     = 16
	dataFindFunc  = 19
	dataExtras    = 40
	dataEnd       = 41
	dataWords     = 42
)

// Fields of a function's record.
const (
	nameAt        = 4
	argsAt        = 8
	deferReturnAt = 12
	pcspAt        = 16
	pcfileAt      = 20
	pclnAt        = 24
	npcdataAt     = 28
	unitAt        = 32
	startLineAt   = 36
	idAt          = 40
	nextrasAt     = 43
	recordLen     = 44
)

const bucketLen = 20

// argsUnknown is the size of arguments of functions in assembly that don't declare it.
const argsUnknown = 1 << 31

var errMalformed = errors.New("the tables of functions are not as expected of this version of Go")

var order = binary.LittleEndian

// tables is the tables of functions in a program's memory:
//
//	names       strings, each ended by a zero
//	pcs         a table: pairs of varints, ended by a zero in place of a first one but the very first
//	functions   pairs of u32, entry and offset of the record; then the records
//	record      u32 entry, name, args, deferreturn, pcsp, pcfile, pcln, npcdata, unit, start line
//	            u8 id, flags, zero, nextras | npcdata u32s, places in pcs | nextras u32s, places in extras
//	extras      what the compiler says of a function for the runtime, in kinds: FUNCDATA_*
//	buckets     of program counters: u32 the function to search from | 16 bytes to add to it
//
// A place in names or pcs is zero, in extras all ones, where there is nothing: the runtime then
// prints "?" or nothing. Functions share what is equal.
type tables struct {
	count     int
	names     []byte
	units     []byte
	fileNames []byte
	pcs       []byte
	functions []byte
	extras    []byte
	buckets   []byte
}

// findTables finds the tables by their header and by the moduledata that points to it.
func findTables(memory []byte) (*tables, error) {
	at, err := findOnce(memory, []byte(headerStart))
	if err != nil || at+8*headerWords > len(memory) {
		return nil, errMalformed
	}
	header := func(i int) uint64 { return order.Uint64(memory[at+8*i:]) }

	pointers := order.AppendUint64(nil, uint64(at))
	pointers = order.AppendUint64(pointers, uint64(at)+header(headerNames))
	dataAt, err := findOnce(memory, pointers)
	if err != nil || dataAt+8*dataWords > len(memory) {
		return nil, errMalformed
	}
	data := func(i int) uint64 { return order.Uint64(memory[dataAt+8*i:]) }

	var bounds []uint64
	for _, i := range []int{headerNames, headerUnits, headerFileNames, headerPCs, headerFunctions} {
		bounds = append(bounds, uint64(at)+header(i))
	}
	functions := bounds[len(bounds)-1]
	bounds = append(bounds, functions+data(dataFunctions+1), data(dataExtras), data(dataFindFunc), data(dataEnd), uint64(len(memory)))
	for i, bound := range bounds[1:] {
		if bound < bounds[i] {
			return nil, errMalformed
		}
	}
	count := header(headerCount)
	if data(dataFunctions) != functions || data(dataPairs) != functions || data(dataPairs+1) != count+1 ||
		count > data(dataFunctions+1)/recordLen {
		return nil, errMalformed
	}
	part := func(i int) []byte { return memory[bounds[i]:bounds[i+1]] }
	return &tables{
		count: int(count), names: part(0), units: part(1), fileNames: part(2),
		pcs: part(3), functions: part(4), extras: part(6), buckets: part(7),
	}, nil
}

// findOnce returns where memory has content, which it must have once.
func findOnce(memory, content []byte) (int, error) {
	at := bytes.Index(memory, content)
	if at < 0 || bytes.Contains(memory[at+1:], content) {
		return 0, errMalformed
	}
	return at, nil
}

// findFunction returns the number of a function of the runtime.
func (t *tables) findFunction(records []record, name string) (int, error) {
	names := newNames(t.names)
	for i, r := range records {
		if its, err := names.name(order.Uint32(r[nameAt:])); err != nil || its == name {
			return i, err
		}
	}
	return 0, errMalformed
}

// coarsenBuckets has the search for a program counter's function begin up to 15 functions earlier:
// it goes on to the right one.
func (t *tables) coarsenBuckets() {
	for b := t.buckets; len(b) >= bucketLen; b = b[bucketLen:] {
		order.PutUint32(b, order.Uint32(b)&^15)
	}
}

// record is a function's record, up to the end of the records.
type record []byte

// records returns the functions' records.
func (t *tables) records() ([]record, error) {
	records := make([]record, t.count)
	for i := range records {
		offset := int(order.Uint32(t.functions[8*i+4:]))
		if offset+recordLen > len(t.functions) {
			return nil, fmt.Errorf("function %d: %w", i, errMalformed)
		}
		records[i] = record(t.functions[offset:])
		if need := recordLen + 4*(records[i].npcdata()+int(records[i][nextrasAt])); need > len(records[i]) {
			return nil, fmt.Errorf("function %d: %w", i, errMalformed)
		}
	}
	return records, nil
}

func (r record) npcdata() int { return int(order.Uint32(r[npcdataAt:])) }

// pcdata returns the field of the place of a pc table.
func (r record) pcdata(kind int) []byte { return r[recordLen+4*kind:][:4] }

// extra returns the field of a place in extras.
func (r record) extra(kind int) []byte { return r.pcdata(r.npcdata() + kind) }

// special tells whether the runtime may look at the function's name or at the calls inlined into
// it for other ends than printing: recover and the unwinder tell functions with an id apart, a
// method called by nil takes its text from its wrapper's name, and the collector knows reflect's
// stubs, which have arguments of unknown size, by name.
func (r record) special() bool {
	return r[idAt] != 0 || order.Uint32(r[argsAt:]) == argsUnknown
}
