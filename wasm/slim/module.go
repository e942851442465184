package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Sections of a module: the content of its memory, and how many segments that has.
const (
	dataSection      = 11
	dataCountSection = 12
)

// What a segment's place is made of.
const (
	i32Const = 0x41
	end      = 0x0b
)

// maxMemory bounds what a module's data may ask for.
const maxMemory = 1 << 28

var errTruncated = errors.New("the module ends too early")

// module is a module whose data is apart.
type module struct {
	before, after []byte // its other sections
	memory        []byte // as the data fills it
}

func parseModule(data []byte) (*module, error) {
	const header = "\x00asm\x01\x00\x00\x00"
	if len(data) < len(header) || string(data[:len(header)]) != header {
		return nil, errors.New("no WebAssembly module")
	}
	r := reader{data, len(header)}
	m := &module{}
	for r.at < len(data) {
		start := r.at
		id, err := r.byte()
		if err != nil {
			return nil, err
		}
		length, err := r.number()
		if err != nil || length > len(data)-r.at {
			return nil, errTruncated
		}
		if id == dataCountSection {
			return nil, errors.New("the module counts its segments of data")
		}
		if id == dataSection {
			m.before, m.after = data[:start], data[r.at+length:]
			if m.memory, err = readData(reader{data[:r.at+length], r.at}); err != nil {
				return nil, err
			}
		}
		r.at += length
	}
	if m.memory == nil {
		return nil, errors.New("the module has no data")
	}
	return m, nil
}

// encode returns the module with its data as one segment.
func (m *module) encode() []byte {
	content := bytes.TrimLeft(m.memory, "\x00")
	address := len(m.memory) - len(content)
	content = bytes.TrimRight(content, "\x00")

	section := []byte{1, 0, i32Const}
	section = appendSigned(section, address)
	section = append(section, end)
	section = binary.AppendUvarint(section, uint64(len(content)))
	section = append(section, content...)

	encoded := append(bytes.Clone(m.before), dataSection)
	encoded = binary.AppendUvarint(encoded, uint64(len(section)))
	encoded = append(encoded, section...)
	return append(encoded, m.after...)
}

// appendSigned appends a number that isn't negative as a signed varint: bit 6 of the last byte is
// the sign.
func appendSigned(b []byte, n int) []byte {
	for ; n >= 0x40; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func readData(r reader) ([]byte, error) {
	memory := []byte{}
	count, err := r.number()
	for ; err == nil && count > 0; count-- {
		memory, err = r.segment(memory)
	}
	return memory, err
}

// reader reads a module from a place on.
type reader struct {
	data []byte
	at   int
}

// segment puts a segment into memory: memory 0, i32.const address, end, length, bytes.
func (r *reader) segment(memory []byte) ([]byte, error) {
	for _, want := range []byte{0, i32Const} {
		if got, err := r.byte(); err != nil || got != want {
			return nil, fmt.Errorf("data segment of an unknown kind at %d", r.at)
		}
	}
	address, err := r.number()
	if err != nil {
		return nil, err
	}
	if got, err := r.byte(); err != nil || got != end {
		return nil, fmt.Errorf("data segment of an unknown kind at %d", r.at)
	}
	length, err := r.number()
	if err != nil || length > len(r.data)-r.at || address+length > maxMemory {
		return nil, errTruncated
	}
	if grow := address + length - len(memory); grow > 0 {
		memory = append(memory, make([]byte, grow)...)
	}
	copy(memory[address:], r.data[r.at:r.at+length])
	r.at += length
	return memory, nil
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
