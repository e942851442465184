package main

// simplify replaces short sequences by shorter ones that do the same.
func (f *function) simplify() {
	f.foldAddresses()
	f.foldReturns()
	var code []instruction
	for _, i := range f.code {
		code = fold(append(code, i))
	}
	f.code = code
}

// fold simplifies the end of code. Eight bytes of memory whose upper half is dropped become four:
// the program does not read beyond its memory.
func fold(code []instruction) []instruction {
	n := len(code)
	last := code[n-1]
	if last.op == opNop {
		return code[:n-1]
	}
	if n < 2 {
		return code
	}
	prev := &code[n-2]
	switch {
	case last.op == opI32Wrap && prev.op == opI64ExtendU:
		return code[:n-2]
	case last.op == opI32Wrap && prev.op == opI64Const:
		prev.op, prev.a = opI32Const, int64(int32(prev.a))
	case last.op == opI32Wrap && prev.op == opI64Load8U:
		prev.op = opI32Load8U
	case last.op == opI32Wrap && prev.op == opI64Load16U:
		prev.op = opI32Load16U
	case last.op == opI32Wrap && (prev.op == opI64Load32U || prev.op == opI64Load):
		prev.op, prev.a = opI32Load, min(prev.a, 2)
	case last.op == opI64Eqz && prev.op == opI64ExtendU:
		prev.op = opI32Eqz
	case last.op == opLocalSet && prev.is(opLocalTee, last.a):
		prev.op = opLocalSet
	case last.op == opLocalSet && prev.is(opLocalGet, last.a):
		return code[:n-2]
	default:
		return code
	}
	return code[:n-1]
}

// foldReturns frees a frame and the address that it returns to in one addition.
func (f *function) foldReturns() {
	var code []instruction
	for at := 0; at < len(f.code); at++ {
		c := f.code[at:]
		if len(c) > 11 && addsToSP(c) && addsToSP(c[5:]) && c[10].op == opI32Const && c[11].op == opReturn {
			c[6].a += c[1].a
			at += 5
			c = c[5:]
		}
		code = append(code, c[0])
	}
	f.code = code
}

// addsToSP tells whether code begins by adding to the stack pointer.
func addsToSP(c []instruction) bool {
	return c[0].is(opLocalGet, localSP) && c[1].op == opI32Const && c[2].op == opI32Add &&
		c[3].is(opLocalTee, localSP) && c[4].is(opGlobalSet, globalSP)
}

// foldAddresses has loads and stores add what the compiler adds to the stack pointer: there is no
// overflow, for what they address is in memory.
func (f *function) foldAddresses() {
	var code []instruction
	for at := 0; at < len(f.code); at++ {
		c := f.code[at:]
		code = append(code, c[0])
		if len(c) < 5 || !c[0].is(opLocalGet, localSP) || c[1].op != opI64ExtendU || c[2].op != opI64Const ||
			c[2].a < 0 || c[2].a > maxMemory || c[3].op != opI64Add || c[4].op != opI32Wrap {
			continue
		}
		at += 4
		if user := userOfTop(c[5:]); user != nil {
			user.b += c[2].a
		} else {
			code = append(code, instruction{op: opI32Const, a: c[2].a}, instruction{op: opI32Add})
		}
	}
	f.code = code
}

// userOfTop returns the load or store that takes what is on the stack as its address, if it is
// found.
func userOfTop(c []instruction) *instruction {
	above := 0 // on the stack
	for at := range c {
		takes, gives, ok := c[at].effect()
		if !ok || takes > above+1 {
			return nil
		}
		if takes == above+1 {
			if c[at].accesses() {
				return &c[at]
			}
			return nil
		}
		above += gives - takes
	}
	return nil
}
