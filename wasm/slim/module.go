package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Sections of a module: the functions it takes from its host, the bodies of its own, the content
// of its memory, and how many segments that has.
const (
	importSection    = 2
	codeSection      = 10
	dataSection      = 11
	dataCountSection = 12
)

// maxMemory bounds what a module's data may ask for.
const maxMemory = 1 << 28

var errTruncated = errors.New("the module ends too early")

// module is a module with its functions and its data apart.
type module struct {
	sections  []section
	imports   int // functions
	functions []*function
	memory    []byte // as the data fills it
}

// section is a part of a module, as it stood but for functions and data.
type section struct {
	id      byte
	content []byte
}

const moduleHeader = "\x00asm\x01\x00\x00\x00"

func parseModule(data []byte) (*module, error) {
	if len(data) < len(moduleHeader) || string(data[:len(moduleHeader)]) != moduleHeader {
		return nil, errors.New("no WebAssembly module")
	}
	r := reader{data, len(moduleHeader)}
	m := &module{}
	for r.at < len(data) {
		id, err := r.byte()
		if err != nil {
			return nil, err
		}
		length, err := r.number()
		if err != nil || length > len(data)-r.at {
			return nil, errTruncated
		}
		content := data[r.at : r.at+length]
		switch id {
		case importSection:
			m.imports, err = countImports(reader{content, 0})
		case codeSection:
			m.functions, err = readFunctions(reader{content, 0})
		case dataSection:
			m.memory, err = readData(reader{content, 0})
		case dataCountSection:
			err = errors.New("the module counts its segments of data")
		}
		if err != nil {
			return nil, err
		}
		m.sections = append(m.sections, section{id, content})
		r.at += length
	}
	if m.functions == nil || m.memory == nil {
		return nil, errors.New("the module has no code or no data")
	}
	return m, nil
}

// encode returns the module, its data as one segment.
func (m *module) encode() []byte {
	encoded := []byte(moduleHeader)
	for _, s := range m.sections {
		switch s.id {
		case codeSection:
			s.content = m.encodeFunctions()
		case dataSection:
			s.content = m.encodeData()
		}
		encoded = append(encoded, s.id)
		encoded = appendBytes(encoded, s.content)
	}
	return encoded
}

func (m *module) encodeFunctions() []byte {
	content := binary.AppendUvarint(nil, uint64(len(m.functions)))
	for _, f := range m.functions {
		content = appendBytes(content, f.encode())
	}
	return content
}

func (m *module) encodeData() []byte {
	segment := bytes.TrimLeft(m.memory, "\x00")
	address := len(m.memory) - len(segment)
	content := []byte{1, 0, opI32Const}
	content = appendSigned(content, int64(address))
	content = append(content, opEnd)
	return appendBytes(content, bytes.TrimRight(segment, "\x00"))
}

func appendBytes(b, bytes []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(bytes)))
	return append(b, bytes...)
}

// appendSigned appends a signed varint: bit 6 of the last byte is the sign.
func appendSigned(b []byte, n int64) []byte {
	for ; n < -0x40 || n >= 0x40; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n)&0x7f)
}

// countImports counts imports, which for a Go program are functions: module, name, zero, type.
func countImports(r reader) (int, error) {
	count, err := r.number()
	for n := count; err == nil && n > 0; n-- {
		for range 2 {
			var length int
			if length, err = r.number(); err != nil || length > len(r.data)-r.at {
				return 0, errTruncated
			}
			r.at += length
		}
		kind, failed := r.byte()
		if failed != nil || kind != 0 {
			return 0, errors.New("the module imports what is no function")
		}
		_, err = r.number()
	}
	return count, err
}

func readFunctions(r reader) ([]*function, error) {
	count, err := r.number()
	if err != nil {
		return nil, err
	}
	functions := []*function{}
	for i := range count {
		length, err := r.number()
		if err != nil || length > len(r.data)-r.at {
			return nil, errTruncated
		}
		f, err := decodeFunction(r.data[r.at : r.at+length])
		if err != nil {
			return nil, fmt.Errorf("function %d: %w", i, err)
		}
		functions = append(functions, f)
		r.at += length
	}
	return functions, nil
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
	for _, want := range []byte{0, opI32Const} {
		if got, err := r.byte(); err != nil || got != want {
			return nil, fmt.Errorf("data segment of an unknown kind at %d", r.at)
		}
	}
	address, err := r.number()
	if err != nil {
		return nil, err
	}
	if got, err := r.byte(); err != nil || got != opEnd {
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
