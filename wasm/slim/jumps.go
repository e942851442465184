package main

// dispatcher is how Go's compiler jumps, and how a goroutine goes on in the middle of a function: a
// table leads into blocks, one in the other, by the number of a basic block.
//
//	loop block block ... (local.get 0) (br_table) end <block 0> end <block 1> ... end
//	jump to n: (i32.const n) (local.set 0) (br loop)
type dispatcher struct {
	loop  blockID // whole if it has none
	at    int     // of br_table
	table []blockID
}

// findDispatcher finds the dispatcher that a function begins with.
func (f *function) findDispatcher() (d dispatcher, ok bool) {
	for at, i := range f.code {
		switch {
		case i.op == opLoop:
			d.loop = i.block
		case i.op == opBlock, i.is(opGlobalGet, globalSP), i.is(opLocalSet, localSP), i.is(opLocalGet, localPC):
		case i.op == opBrTable && at > 0 && f.code[at-1].is(opLocalGet, localPC):
			d.at, d.table = at, i.table
			return d, true
		default:
			return d, false
		}
	}
	return d, false
}

// to returns the block behind which a basic block begins.
func (d dispatcher) to(n int64) blockID { return d.table[min(int(n), len(d.table)-1)] }

// jump tells whether an instruction begins a jump by the dispatcher, and to which basic block.
func (d dispatcher) jump(f *function, at int) (n int64, ok bool) {
	if d.loop == whole || at+3 > len(f.code) {
		return 0, false
	}
	c := f.code[at:]
	ok = c[0].op == opI32Const && c[1].is(opLocalSet, localPC) && c[2].op == opBr && c[2].target == d.loop
	return c[0].a, ok
}

// straighten lets jumps forward go where the dispatcher sends them: they stand in the block that
// they leave.
func (f *function) straighten() {
	d, ok := f.findDispatcher()
	if !ok {
		return
	}
	open := map[blockID]bool{}
	var code []instruction
	for at := 0; at < len(f.code); at++ {
		i := f.code[at]
		if i.opens() || i.op == opEnd {
			open[i.block] = i.opens()
		}
		if n, ok := d.jump(f, at); ok && open[d.to(n)] {
			i = instruction{op: opBr, target: d.to(n)}
			at += 2
		}
		code = append(code, i)
	}
	f.code = code
}

// removeDead removes what follows a jump in its block.
func (f *function) removeDead() {
	var code []instruction
	dead, depth := false, 0 // of blocks that begin in what is dead
	for _, i := range f.code {
		switch {
		case dead && i.opens():
			depth++
		case dead && i.op == opEnd && depth > 0:
			depth--
			continue
		case dead && depth == 0 && (i.op == opEnd || i.op == opElse):
			dead = false
		}
		if dead {
			continue
		}
		code = append(code, i)
		dead = i.op == opBr || i.op == opBrTable || i.op == opReturn || i.op == opUnreachable
	}
	f.code = code
}

// removeBlocks removes blocks and loops that no jump leads to.
func (f *function) removeBlocks() {
	used := map[blockID]bool{}
	for _, i := range f.code {
		used[i.target] = true
		for _, target := range i.table {
			used[target] = true
		}
	}
	removed := map[blockID]bool{}
	var code []instruction
	for _, i := range f.code {
		if (i.is(opBlock, void) || i.is(opLoop, void)) && !used[i.block] {
			removed[i.block] = true
		}
		if !removed[i.block] {
			code = append(code, i)
		}
	}
	f.code = code
}
