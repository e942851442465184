package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Some instructions. A block's number is its order in the function, which is block 0.
func op(op byte) instruction                 { return instruction{op: op} }
func with(op byte, a int64) instruction      { return instruction{op: op, a: a} }
func memory(op byte, a, b int64) instruction { return instruction{op: op, a: a, b: b} }
func begin(op byte, b blockID) instruction   { return instruction{op: op, a: void, block: b} }
func ends(b blockID) instruction             { return instruction{op: opEnd, block: b} }
func branch(op byte, to blockID) instruction { return instruction{op: op, target: to} }
func table(to ...blockID) instruction        { return instruction{op: opBrTable, table: to} }
func code(parts ...any) (code []instruction) {
	for _, part := range parts {
		switch part := part.(type) {
		case instruction:
			code = append(code, part)
		case []instruction:
			code = append(code, part...)
		}
	}
	return code
}

// calling is a call as the compiler writes it, from a basic block of function 0.
func calling(block, callee int64, exit blockID) []instruction {
	return code(upToCall(block, callee), with(opGlobalGet, globalSP), with(opLocalSet, localSP), branch(opBrIf, exit))
}

func upToCall(block, callee int64) []instruction {
	return code(pushing(), with(opI64Const, pcOf(0)+block), calls(callee))
}

// pushing makes room for a word on the stack.
func pushing() []instruction {
	sp := with(opLocalGet, localSP)
	return code(sp, with(opI32Const, 8), op(opI32Sub), with(opLocalTee, localSP), with(opGlobalSet, globalSP), sp)
}

// calls pushes a program counter and calls a function.
func calls(callee int64) []instruction {
	return code(memory(opI64Store, 3, 0), with(opI32Const, 0), with(opCall, callee))
}

// enter is the begin of a compiled function.
func enter() []instruction {
	return code(with(opGlobalGet, globalSP), with(opLocalSet, localSP))
}

// jumping is a jump by the dispatcher.
func jumping(n int64, loop blockID) []instruction {
	return code(with(opI32Const, n), with(opLocalSet, localPC), branch(opBr, loop))
}

func newFunction(parts ...any) *function {
	f := &function{locals: []group{{1, typeI32}, {2, typeI64}}, code: code(parts...), blocks: whole + 1}
	for _, i := range f.code {
		f.blocks = max(f.blocks, i.block+1)
	}
	return f
}

// text writes code down, blocks by the order in which they begin.
func text(code []instruction) string {
	order := map[blockID]int{whole: 0}
	var lines []string
	for _, i := range code {
		if i.opens() {
			order[i.block] = len(order)
		}
		line := fmt.Sprintf("%#x %d %d", i.op, i.a, i.b)
		switch {
		case i.opens() || i.op == opEnd:
			line += fmt.Sprint(" of ", order[i.block])
		case i.op == opBr || i.op == opBrIf:
			line += fmt.Sprint(" to ", order[i.target])
		}
		for _, to := range i.table {
			line += fmt.Sprint(" to ", order[to])
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func wantCode(t *testing.T, got *function, parts ...any) {
	t.Helper()
	if got, want := text(got.code), text(code(parts...)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFunctionIsEncodedAsItWas(t *testing.T) {
	body := newFunction(enter(), begin(opBlock, 1), begin(opLoop, 2), with(opLocalGet, 0), table(2, 1, 0), ends(2), ends(1),
		begin(opIf, 3), with(opI64Const, -65), op(opElse), with(opI64Const, 1<<62), op(opDrop), branch(opBrIf, 3), ends(3),
		memory(opI64Store, 3, 1<<31), memory(opCallTable, 0, 0), with(opI32Const, 64), op(opReturn), ends(whole)).encode()
	f, err := decodeFunction(body)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.encode(); !bytes.Equal(got, body) {
		t.Errorf("got %x, want %x", got, body)
	}
}

func TestCodeThatIsNotUnderstoodIsRefused(t *testing.T) {
	cases := map[string][]byte{
		"empty":                 {},
		"cut in an instruction": {0, opI32Const},
		"cut in a block":        {0, opBlock, void, opEnd},
		"code behind the end":   {0, opEnd, opNop},
		"unknown instruction":   {0, 0x06, opEnd},
		"unknown prefixed one":  {0, opPrefix, 99, opEnd},
		"branch to nowhere":     {0, opBr, 1, opEnd},
		"endless number":        {0, opI64Const, 0x80, 0x80, 0x80},
	}
	for name, body := range cases {
		if _, err := decodeFunction(body); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSimplifyKeepsWhatCodeDoes(t *testing.T) {
	get, sp := with(opLocalGet, 3), with(opLocalGet, localSP)
	address := code(sp, op(opI64ExtendU), with(opI64Const, 16), op(opI64Add), op(opI32Wrap))
	grow := func(n int64) []instruction {
		return code(sp, with(opI32Const, n), op(opI32Add), with(opLocalTee, localSP), with(opGlobalSet, globalSP))
	}
	cases := map[string]struct{ before, after []instruction }{
		"nop":                         {code(get, op(opNop), op(opDrop)), code(get, op(opDrop))},
		"extend, wrap":                {code(sp, op(opI64ExtendU), op(opI32Wrap)), code(sp)},
		"constant, wrap":              {code(with(opI64Const, 1<<32+5), op(opI32Wrap)), code(with(opI32Const, 5))},
		"load of a byte, wrap":        {code(sp, memory(opI64Load8U, 0, 7), op(opI32Wrap)), code(sp, memory(opI32Load8U, 0, 7))},
		"load, wrap":                  {code(sp, memory(opI64Load, 3, 8), op(opI32Wrap)), code(sp, memory(opI32Load, 2, 8))},
		"extend, is zero":             {code(sp, op(opI64ExtendU), op(opI64Eqz)), code(sp, op(opI32Eqz))},
		"tee, set":                    {code(get, with(opLocalTee, 2), with(opLocalSet, 2)), code(get, with(opLocalSet, 2))},
		"tee, set of another":         {code(get, with(opLocalTee, 2), with(opLocalSet, 4)), code(get, with(opLocalTee, 2), with(opLocalSet, 4))},
		"get, set":                    {code(get, with(opLocalSet, 3)), nil},
		"address of a store":          {code(address, get, memory(opI64Store, 3, 8)), code(sp, get, memory(opI64Store, 3, 24))},
		"address of a load":           {code(address, memory(opI64Load, 3, 8)), code(sp, memory(opI64Load, 3, 24))},
		"address within an address":   {code(address, address, memory(opI64Load, 3, 1), memory(opI64Store, 3, 2)), code(sp, sp, memory(opI64Load, 3, 17), memory(opI64Store, 3, 18))},
		"address that is stored":      {code(sp, address, memory(opI32Store, 2, 8)), code(sp, sp, with(opI32Const, 16), op(opI32Add), memory(opI32Store, 2, 8))},
		"address across a call":       {code(address, with(opCall, 1), memory(opI64Store, 3, 8)), code(sp, with(opI32Const, 16), op(opI32Add), with(opCall, 1), memory(opI64Store, 3, 8))},
		"frame and address at return": {code(grow(40), grow(8), with(opI32Const, 0), op(opReturn)), code(grow(48), with(opI32Const, 0), op(opReturn))},
		"frame alone":                 {code(grow(40), grow(8), get, op(opReturn)), code(grow(40), grow(8), get, op(opReturn))},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFunction(slices.Clone(c.before))
			f.simplify()
			wantCode(t, f, c.after)
		})
	}
}

func TestJumpsForwardSkipTheDispatcher(t *testing.T) {
	head := code(enter(), begin(opLoop, 1), begin(opBlock, 2), begin(opBlock, 3), begin(opBlock, 4), with(opLocalGet, localPC), table(4, 3, 3, 2))
	f := newFunction(head, ends(4), begin(opIf, 5), jumping(3, 1), ends(5), jumping(9, 1), ends(3), jumping(2, 1), ends(2), ends(1), op(opUnreachable), ends(whole))
	f.straighten()
	wantCode(t, f, head, ends(4), begin(opIf, 5), branch(opBr, 2), ends(5), branch(opBr, 2), ends(3), jumping(2, 1), ends(2), ends(1), op(opUnreachable), ends(whole))
}

func TestDeadCodeAndUnusedBlocksGo(t *testing.T) {
	f := newFunction(begin(opBlock, 1), begin(opLoop, 2), begin(opIf, 3), op(opReturn), begin(opBlock, 4), op(opNop), ends(4), op(opElse),
		branch(opBr, 1), op(opNop), ends(3), op(opDrop), ends(2), op(opUnreachable), op(opNop), ends(1), ends(whole))
	f.removeDead()
	f.removeBlocks()
	wantCode(t, f, begin(opBlock, 1), begin(opIf, 3), op(opReturn), op(opElse), branch(opBr, 1), ends(3), op(opDrop), op(opUnreachable), ends(1), ends(whole))
}

const sigpanic, goes, stays = 7, 8, 9 // functions

func TestCallsReturnWhereTheyStand(t *testing.T) {
	f := newFunction(enter(), begin(opBlock, 1), calling(1, goes, 1), op(opNop), begin(opIf, 2), calling(2, sigpanic, 1), ends(2),
		calling(3, stays, 1), op(opUnreachable), ends(1), with(opI32Const, 1), ends(whole))
	f.unwindInPlace(sigpanic)
	wantCode(t, f, enter(), upToCall(1, goes), with(opGlobalGet, globalSP), with(opLocalSet, localSP),
		begin(opIf, 3), with(opI32Const, 1), op(opReturn), ends(3),
		op(opNop), begin(opIf, 2), upToCall(2, sigpanic), op(opReturn), ends(2), upToCall(3, stays), op(opReturn), op(opUnreachable), ends(whole))
}

func TestProgramCountersComeFromALocal(t *testing.T) {
	f := newFunction(enter(), calling(0, goes, 0), with(opLocalGet, 2), calling(5, goes, 0), with(opLocalSet, 3), ends(whole))
	f.sharePC(0)
	called := calling(0, goes, 0)[len(pushing())+1:]
	wantCode(t, f, enter(), with(opI64Const, pcOf(0)), with(opLocalSet, 2), pushing(), with(opLocalGet, 2), called,
		with(opLocalGet, 3), pushing(), with(opLocalGet, 2), with(opI64Const, 5), op(opI64Or), called, with(opLocalSet, 4), ends(whole))
	if want := []group{{1, typeI32}, {3, typeI64}}; !slices.Equal(f.locals, want) {
		t.Errorf("locals %v, want %v", f.locals, want)
	}
	if !f.sharesPC(0) || f.sharesPC(1) {
		t.Error("it is not known that it was done")
	}
}
