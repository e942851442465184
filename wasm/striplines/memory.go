package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// dataSection is the id of a module's section with the content of its memory.
const dataSection = 11

// maxMemory bounds what a module's data may ask for.
const maxMemory = 1 << 28

var errTruncated = errors.New("the module ends too early")

// memory is a program's memory as its module fills it.
type memory struct {
	bytes    []byte
	segments []segment
}

// segment is a part of memory, and where the module has it.
type segment struct{ address, place, length int }

// writeBack puts the content of memory into the module.
func (m *memory) writeBack(module []byte) {
	for _, s := range m.segments {
		copy(module[s.place:s.place+s.length], m.bytes[s.address:])
	}
}

func readMemory(module []byte) (*memory, error) {
	const header = "\x00asm\x01\x00\x00\x00"
	if len(module) < len(header) || string(module[:len(header)]) != header {
		return nil, errors.New("no WebAssembly module")
	}
	r := reader{module, len(header)}
	for r.at < len(module) {
		id, err := r.byte()
		if err != nil {
			return nil, err
		}
		length, err := r.number()
		if err != nil || length > len(module)-r.at {
			return nil, errTruncated
		}
		if id == dataSection {
			return readSegments(reader{module[:r.at+length], r.at})
		}
		r.at += length
	}
	return nil, errors.New("the module has no data")
}

func readSegments(r reader) (*memory, error) {
	m := &memory{}
	count, err := r.number()
	for ; err == nil && count > 0; count-- {
		err = m.read(&r)
	}
	return m, err
}

// read adds a segment: memory 0, i32.const address, end, length, bytes.
func (m *memory) read(r *reader) error {
	const i32Const, end = 0x41, 0x0b
	for _, want := range []byte{0, i32Const} {
		if got, err := r.byte(); err != nil || got != want {
			return fmt.Errorf("data segment of an unknown kind at %d", r.at)
		}
	}
	address, err := r.number()
	if err != nil {
		return err
	}
	if got, err := r.byte(); err != nil || got != end {
		return fmt.Errorf("data segment of an unknown kind at %d", r.at)
	}
	length, err := r.number()
	if err != nil || length > len(r.data)-r.at || address+length > maxMemory {
		return errTruncated
	}
	if grow := address + length - len(m.bytes); grow > 0 {
		m.bytes = append(m.bytes, make([]byte, grow)...)
	}
	copy(m.bytes[address:], r.data[r.at:r.at+length])
	m.segments = append(m.segments, segment{address, r.at, length})
	r.at += length
	return nil
}

// reader reads a module from a place on.
type reader struct {
	data []byte
	at   int
}

func (r *reader) byte() (byte, error) {
	if r.at >= len(r.data) {
		return 0, errTruncated
	}
	r.at++
	return r.data[r.at-1], nil
}

// number reads an unsigned varint, or a signed one that Go's linker never makes negative.
func (r *reader) number() (int, error) {
	n, width := binary.Uvarint(r.data[r.at:])
	if width <= 0 || n > maxMemory {
		return 0, errTruncated
	}
	r.at += width
	return int(n), nil
}
