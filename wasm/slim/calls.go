package main

import "slices"

// Where Go's compiler keeps its registers.
const (
	localPC  = 0 // the number of the basic block to begin with
	localSP  = 1
	globalSP = 0
)

// A program counter is the number of a function, from firstPC on, and that of a basic block.
//
//	call: (local.get 1) (i32.const 8) (i32.sub) (local.tee 1) (global.set 0)
//	      (local.get 1) (i64.const pc) (i64.store) (i32.const 0) (call f)
//	      (global.get 0) (local.set 1) (br_if exit)
//
// A function returns 1 if the stack is to be switched. Who called it then does the same: it goes to
// the end of the function, behind the block exit. When the goroutine runs again, the function is
// called with the basic block that it left in pc.
const (
	firstPC = 0x1000
	blocks  = 1 << 16
)

// pcOf returns the program counter of a function's begin.
func pcOf(number int) int64 { return (firstPC + int64(number)) * blocks }

// standard tells whether a function follows Go's calling convention.
func (f *function) standard() bool {
	return len(f.code) > 2 && f.code[0].is(opGlobalGet, globalSP) && f.code[1].is(opLocalSet, localSP) &&
		len(f.locals) > 0 && f.locals[0] == group{1, typeI32}
}

// unwindExit finds the block exit: "unreachable, end, i32.const 1, end" ends the function.
func (f *function) unwindExit() (exit blockID, ok bool) {
	n := len(f.code)
	if n < 4 || f.code[n-4].op != opUnreachable || f.code[n-3].op != opEnd || !f.code[n-2].is(opI32Const, 1) {
		return whole, false
	}
	return f.code[n-3].block, true
}

// unwindInPlace has calls return where they stand: the distance to the end, another one for each
// call, compresses badly. A call that nothing follows, by the compiler's knowledge, returns what it
// is given. So does sigpanic's.
func (f *function) unwindInPlace(sigpanic int64) {
	exit, ok := f.unwindExit()
	if !ok {
		return
	}
	var code []instruction
	for at := 0; at < len(f.code)-3; at++ {
		switch i := f.code[at]; {
		case i.op == opCall && f.code[at+3].op == opBrIf && f.code[at+3].target == exit && f.reloadsSP(at+1) &&
			(i.a == sigpanic || f.code[at+4].op == opUnreachable):
			code = append(code, i, instruction{op: opReturn})
			at += 3
		case i.op == opBrIf && i.target == exit:
			b := f.newBlock()
			code = append(code, instruction{op: opIf, a: void, block: b}, instruction{op: opI32Const, a: 1},
				instruction{op: opReturn}, instruction{op: opEnd, block: b})
		case i.block != exit:
			code = append(code, i)
		}
	}
	f.code = append(code, instruction{op: opEnd, block: whole})
}

func (f *function) reloadsSP(at int) bool {
	return f.code[at].is(opGlobalGet, globalSP) && f.code[at+1].is(opLocalSet, localSP)
}

// A returnAddress is where a call writes its program counter.
type returnAddress struct {
	at      int // of i64.const
	block   int64
	callee  int64 // -1 if it is not known
	resumes bool  // a goroutine may go on behind the call
}

// returnAddresses finds what a function writes of its own program counters. It is not ok if it has
// another number that could be one: the program may well compute with such a number.
func (f *function) returnAddresses(number int) (found []returnAddress, ok bool) {
	for at, i := range f.code {
		if i.op != opI64Const || i.a < pcOf(number) || i.a >= pcOf(number+1) {
			continue
		}
		c := f.code[at:]
		r := returnAddress{at: at, block: i.a % blocks, callee: -1, resumes: true}
		switch {
		case !pushes(f.code[:at]) || len(c) < 5 || c[1].op != opI64Store || c[1].b != 0:
			return nil, false
		case c[2].is(opI32Const, 0) && c[3].op == opCall:
			r.callee = c[3].a
			traps := len(c) > 7 && f.reloadsSP(at+4) && c[6].op == opIf && c[7].op == opUnreachable
			r.resumes = c[4].op != opReturn && !traps
		case !callsByPC(c[2:]):
			return nil, false
		}
		found = append(found, r)
	}
	return found, true
}

// pushes tells whether code ends by making room for a word on the stack, to which it has the address.
func pushes(c []instruction) bool {
	if len(c) < 6 {
		return false
	}
	c = c[len(c)-6:]
	return c[0].is(opLocalGet, localSP) && c[1].is(opI32Const, 8) && c[2].op == opI32Sub &&
		c[3].is(opLocalTee, localSP) && c[4].is(opGlobalSet, globalSP) && c[5].is(opLocalGet, localSP)
}

// callsByPC tells whether code begins by calling the function whose program counter is on the stack.
func callsByPC(c []instruction) bool {
	return len(c) > 6 && c[0].is(opI64Const, 16) && c[1].op == opI64ShrU && c[2].op == opI32Wrap &&
		c[3].is(opLocalSet, localPC) && c[4].is(opI32Const, 0) && c[5].is(opLocalGet, localPC) && c[6].op == opCallTable
}

// sharesPC tells whether sharePC was here.
func (f *function) sharesPC(number int) bool {
	return f.standard() && f.code[2].is(opI64Const, pcOf(number)) && f.code[3].is(opLocalSet, localPCBase)
}

// localPCBase is a new local behind the stack pointer.
const localPCBase = 2

// sharePC has a local hold the function's program counter, to which calls add their basic blocks:
// so they are alike in all functions, while an engine that optimises sees a constant as before.
func (f *function) sharePC(number int) {
	addresses, _ := f.returnAddresses(number)
	if len(addresses) == 0 || !f.standard() {
		return
	}
	f.insertLocal()
	code := append(slices.Clone(f.code[:2]), instruction{op: opI64Const, a: pcOf(number)}, instruction{op: opLocalSet, a: localPCBase})
	for at := 2; at < len(f.code); at++ {
		i := f.code[at]
		if len(addresses) == 0 || at != addresses[0].at {
			code = append(code, i)
			continue
		}
		code = append(code, instruction{op: opLocalGet, a: localPCBase})
		if n := addresses[0].block; n != 0 {
			code = append(code, instruction{op: opI64Const, a: n}, instruction{op: opI64Or})
		}
		addresses = addresses[1:]
	}
	f.code = code
}

// insertLocal makes room for localPCBase.
func (f *function) insertLocal() {
	if len(f.locals) > 1 && f.locals[1].kind == typeI64 {
		f.locals[1].count++
	} else {
		f.locals = slices.Insert(f.locals, 1, group{1, typeI64})
	}
	for at := range f.code {
		if i := &f.code[at]; i.usesLocal() && i.a >= localPCBase {
			i.a++
		}
	}
}
