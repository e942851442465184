package main

import (
	"encoding/binary"
	"fmt"
)

// Operations that passes look for.
const (
	opUnreachable = 0x00
	opNop         = 0x01
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	opBr          = 0x0c
	opBrIf        = 0x0d
	opBrTable     = 0x0e
	opReturn      = 0x0f
	opCall        = 0x10
	opCallTable   = 0x11
	opDrop        = 0x1a
	opSelect      = 0x1b
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opLocalTee    = 0x22
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opI32Load     = 0x28
	opI64Load     = 0x29
	opI32Load8U   = 0x2d
	opI32Load16U  = 0x2f
	opI64Load8U   = 0x31
	opI64Load16U  = 0x33
	opI64Load32U  = 0x35
	opI32Store    = 0x36
	opI64Store    = 0x37
	opI64Store32  = 0x3e
	opMemorySize  = 0x3f
	opMemoryGrow  = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opF32Const    = 0x43
	opF64Const    = 0x44
	opI32Eqz      = 0x45
	opI64Eqz      = 0x50
	opI32Clz      = 0x67
	opI32Add      = 0x6a
	opI32Sub      = 0x6b
	opI64Clz      = 0x79
	opI64Add      = 0x7c
	opI64Or       = 0x84
	opI64ShrU     = 0x88
	opI64Rotr     = 0x8a
	opI32Wrap     = 0xa7
	opI64ExtendU  = 0xad
	opLastSimple  = 0xc4
	opPrefix      = 0xfc
)

// void is the type of a block that takes and leaves nothing.
const void = 0x40

// blockID names a block of a function, and in a branch its target.
type blockID int

// whole is the block that is the function's body.
const whole blockID = 0

// instruction is one instruction, its branches by the blocks they go to: blocks can come and go
// around it.
type instruction struct {
	op     byte
	a, b   int64     // immediates: a number or an index; of loads and stores, alignment and offset
	block  blockID   // that begins or ends here
	target blockID   // of br and br_if
	table  []blockID // of br_table
	raw    []byte    // the instruction as it stood, where nothing is to be known of it
}

func (i instruction) is(op byte, a int64) bool { return i.op == op && i.a == a }

// Types of locals.
const (
	typeI32 = 0x7f
	typeI64 = 0x7e
)

// group is a number of locals of one type, one behind the other.
type group struct {
	count int64
	kind  byte
}

// function is the body of a function.
type function struct {
	locals []group // behind its parameters
	code   []instruction
	blocks blockID // the next new block
}

func (f *function) newBlock() blockID {
	f.blocks++
	return f.blocks - 1
}

// opens tells whether an instruction begins a block.
func (i instruction) opens() bool { return i.op == opBlock || i.op == opLoop || i.op == opIf }

// usesLocal tells whether an instruction reads or writes a local.
func (i instruction) usesLocal() bool {
	return i.op == opLocalGet || i.op == opLocalSet || i.op == opLocalTee
}

// accesses tells whether an instruction loads or stores.
func (i instruction) accesses() bool { return opI32Load <= i.op && i.op <= opI64Store32 }

// effect returns how many values an instruction takes from the stack and gives. It is not ok for
// what jumps, calls or is rare.
func (i instruction) effect() (takes, gives int, ok bool) {
	switch op := i.op; {
	case op == opLocalGet, op == opGlobalGet, opI32Const <= op && op <= opF64Const:
		return 0, 1, true
	case op == opLocalTee, opI32Load <= op && op < opI32Store:
		return 1, 1, true
	case op == opLocalSet, op == opGlobalSet:
		return 1, 0, true
	case opI32Store <= op && op <= opI64Store32:
		return 2, 0, true
	case op == opI32Eqz, op == opI64Eqz, opI32Clz <= op && op < opI32Add, opI64Clz <= op && op < opI64Add, op >= opI32Wrap && op <= opLastSimple:
		return 1, 1, true
	case opI32Eqz < op && op <= opI64Rotr:
		return 2, 1, true
	}
	return 0, 0, false
}

// decodeFunction reads a body. It refuses instructions that Go's compiler does not use.
func decodeFunction(body []byte) (*function, error) {
	r := &codeReader{reader: reader{data: body}}
	f := &function{blocks: whole + 1}
	for n := r.unsigned(); n > 0 && r.err == nil; n-- {
		f.locals = append(f.locals, group{r.unsigned(), r.opcode()})
	}
	open := []blockID{whole}
	for r.at < len(body) && r.err == nil {
		if len(open) == 0 {
			return nil, fmt.Errorf("code after the end of a function")
		}
		start := r.at
		i := instruction{op: r.opcode()}
		label := func() blockID {
			depth := r.unsigned()
			if depth >= int64(len(open)) {
				r.err = errTruncated
				return whole
			}
			return open[len(open)-1-int(depth)]
		}
		switch op := i.op; {
		case i.opens():
			i.a = int64(r.opcode())
			i.block = f.newBlock()
			open = append(open, i.block)
		case op == opEnd:
			i.block = open[len(open)-1]
			open = open[:len(open)-1]
		case op == opBr, op == opBrIf:
			i.target = label()
		case op == opBrTable:
			for n := r.unsigned(); n >= 0 && r.err == nil; n-- {
				i.table = append(i.table, label())
			}
		case op == opCall, opLocalGet <= op && op <= opGlobalSet, op == opMemorySize, op == opMemoryGrow:
			i.a = r.unsigned()
		case op == opCallTable, opI32Load <= op && op <= opI64Store32:
			i.a, i.b = r.unsigned(), r.unsigned()
		case op == opI32Const, op == opI64Const:
			i.a = r.signed()
		case op == opF32Const:
			r.skip(4)
			i.raw = body[start:r.at]
		case op == opF64Const:
			r.skip(8)
			i.raw = body[start:r.at]
		case op == opPrefix:
			r.prefixed()
			i.raw = body[start:r.at]
		case op <= opNop, op == opElse, op == opReturn, op == opDrop, op == opSelect, opI32Eqz <= op && op <= opLastSimple:
		default:
			return nil, fmt.Errorf("instruction %#x is not one of Go's", op)
		}
		f.code = append(f.code, i)
	}
	if r.err == nil && len(open) > 0 {
		r.err = errTruncated
	}
	return f, r.err
}

// encode returns the body.
func (f *function) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(f.locals)))
	for _, g := range f.locals {
		b = append(binary.AppendUvarint(b, uint64(g.count)), g.kind)
	}
	open := []blockID{whole}
	label := func(target blockID) {
		depth := 0
		for open[len(open)-1-depth] != target {
			depth++
		}
		b = binary.AppendUvarint(b, uint64(depth))
	}
	for _, i := range f.code {
		if i.raw != nil {
			b = append(b, i.raw...)
			continue
		}
		b = append(b, i.op)
		switch op := i.op; {
		case i.opens():
			b = append(b, byte(i.a))
			open = append(open, i.block)
		case op == opEnd:
			open = open[:len(open)-1]
		case op == opBr, op == opBrIf:
			label(i.target)
		case op == opBrTable:
			b = binary.AppendUvarint(b, uint64(len(i.table)-1))
			for _, target := range i.table {
				label(target)
			}
		case op == opCall, opLocalGet <= op && op <= opGlobalSet, op == opMemorySize, op == opMemoryGrow:
			b = binary.AppendUvarint(b, uint64(i.a))
		case op == opCallTable, opI32Load <= op && op <= opI64Store32:
			b = binary.AppendUvarint(b, uint64(i.a))
			b = binary.AppendUvarint(b, uint64(i.b))
		case op == opI32Const, op == opI64Const:
			b = appendSigned(b, i.a)
		}
	}
	return b
}

// codeReader reads immediates, and keeps the first error.
type codeReader struct {
	reader
	err error
}

func (r *codeReader) opcode() byte {
	b, err := r.byte()
	if r.err == nil {
		r.err = err
	}
	return b
}

func (r *codeReader) unsigned() int64 {
	n, width := binary.Uvarint(r.data[min(r.at, len(r.data)):])
	if width <= 0 || n >= 1<<32 {
		r.err = errTruncated
		return 0
	}
	r.at += width
	return int64(n)
}

func (r *codeReader) signed() int64 {
	n := int64(0)
	for shift := 0; r.err == nil; shift += 7 {
		b := r.opcode()
		n |= int64(b&0x7f) << shift
		if b < 0x80 {
			if b&0x40 != 0 && shift+7 < 64 {
				n |= -1 << (shift + 7)
			}
			break
		}
	}
	return n
}

func (r *codeReader) skip(n int) {
	if r.at += n; r.at > len(r.data) {
		r.err = errTruncated
	}
}

// prefixed reads what follows opPrefix: saturating truncations, memory.copy and memory.fill.
func (r *codeReader) prefixed() {
	switch n := r.unsigned(); {
	case n <= 7:
	case n == 10:
		r.skip(2)
	case n == 11:
		r.skip(1)
	default:
		r.err = fmt.Errorf("instruction 0xfc %d is not one of Go's", n)
	}
}
