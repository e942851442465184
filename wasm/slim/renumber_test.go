package main

import (
	"slices"
	"testing"
)

func TestTablesOfPCsAreReadAsTheyWereWritten(t *testing.T) {
	values := map[int64]int32{0: 0, 1: 48, 4: 48, 5: -1, 300: 7}
	table := encodePCs(values)
	tb := &tables{pcs: append([]byte{0}, table...)}
	for n, want := range map[int64]int32{0: 0, 1: 48, 2: 48, 4: 48, 5: -1, 299: -1, 300: 7, blocks - 1: 7} {
		if got, err := tb.lookUp(1, n); err != nil || got != want {
			t.Errorf("block %d: %d, %v, want %d", n, got, err, want)
		}
	}
	if _, err := tb.lookUp(1, blocks); err == nil {
		t.Error("no error beyond the last block")
	}
	for length := range table {
		cut := &tables{pcs: tb.pcs[:1+length]}
		if _, err := cut.lookUp(1, 300); err == nil {
			t.Errorf("no error when it is cut after %d bytes", length)
		}
	}
}

// framed returns a record whose tables of pcs have the given values, and these tables.
func framed(sizes, stackMaps map[int64]int32, deferReturn uint32) (record, *tables) {
	r := make(record, recordLen+4*2)
	order.PutUint32(r[npcdataAt:], 2)
	order.PutUint32(r[deferReturnAt:], deferReturn)
	t := &tables{pcs: []byte{0}}
	order.PutUint32(r[pcspAt:], uint32(len(t.pcs)))
	t.pcs = append(t.pcs, encodePCs(sizes)...)
	order.PutUint32(r.pcdata(pcdataStackMap), uint32(len(t.pcs)))
	t.pcs = append(t.pcs, encodePCs(stackMaps)...)
	return r, t
}

// returning is a call after unwindInPlace: nothing resumes behind it.
func returning(block, callee int64) []instruction {
	return code(upToCall(block, callee), op(opReturn))
}

func TestBlocksThatAreEnteredAreNumberedInOrder(t *testing.T) {
	r, tb := framed(map[int64]int32{0: 0, 1: 32}, map[int64]int32{0: 0, 5: 1, 9: 2}, 0)
	program := func(dispatch instruction, a, b, loop, none, panics, last int64) []instruction {
		return code(enter(), begin(opLoop, 1), begin(opBlock, 2), begin(opBlock, 3), begin(opBlock, 4), with(opLocalGet, localPC), dispatch, ends(4),
			calling(a, goes, 0), ends(3), begin(opIf, 5), returning(panics, sigpanic), ends(5), returning(none, stays),
			jumping(loop, 1), calling(b, goes, 0), ends(2), returning(last, stays), ends(1), ends(whole))
	}
	// Blocks 3 and 10 are entered after calls, 6 by a jump back.
	f := newFunction(program(table(4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2), 3, 10, 6, 7, 4, 10))
	pcs, err := f.renumber(0, r, tb, sigpanic)
	if err != nil {
		t.Fatal(err)
	}
	// The call of 7 needs stack map 1, which no number has but a new one's.
	wantCode(t, f, program(table(4, 3, 2), 1, 2, 1, 3, 1, 2))
	got := &tables{pcs: slices.Concat([]byte{0}, pcs.sizes, pcs.maps)}
	sizes, maps := uint32(1), uint32(1+len(pcs.sizes))
	for _, c := range []struct {
		table uint32
		block int64
		want  int32
	}{{sizes, 0, 0}, {sizes, 1, 32}, {sizes, 2, 32}, {sizes, 3, 32}, {maps, 0, 0}, {maps, 1, 2}, {maps, 2, 1}} {
		if value, err := got.lookUp(c.table, c.block); err != nil || value != c.want {
			t.Errorf("table %d, block %d: %d, %v, want %d", c.table, c.block, value, err, c.want)
		}
	}
}

func TestDeferReturnKeepsItsStackMap(t *testing.T) {
	// deferreturn is entered at 6, where its stack map is 3; a call returns to 9, and 8 has map 4.
	r, tb := framed(map[int64]int32{0: 0, 1: 32}, map[int64]int32{0: 0, 6: 3, 8: 4}, 6)
	f := newFunction(enter(), begin(opBlock, 1), begin(opBlock, 2), begin(opBlock, 3), with(opLocalGet, localPC), table(3, 3, 3, 3, 3, 3, 2, 1, 1, 1), ends(3),
		ends(2), calling(9, goes, 0), ends(1), op(opReturn), ends(whole))
	pcs, err := f.renumber(0, r, tb, sigpanic)
	if err != nil {
		t.Fatal(err)
	}
	entered := int64(order.Uint32(r[deferReturnAt:]))
	calls, _ := f.returnAddresses(0)
	if entered == 0 || len(calls) != 1 || calls[0].block <= entered {
		t.Fatalf("deferreturn at %d, calls %v", entered, calls)
	}
	d, _ := f.findDispatcher()
	if d.to(entered) != 2 || d.to(calls[0].block) != 1 {
		t.Errorf("deferreturn leads to block %d, the call to %d", d.to(entered), d.to(calls[0].block))
	}
	got := &tables{pcs: append([]byte{0}, pcs.maps...)}
	if value, err := got.lookUp(1, entered); err != nil || value != 3 {
		t.Errorf("stack map %d, %v, want 3", value, err)
	}
	if value, err := got.lookUp(1, calls[0].block-1); err != nil || value != 4 {
		t.Errorf("stack map of the call %d, %v, want 4", value, err)
	}
}

func TestFunctionThatHasItsProgramCounterElsewhereKeepsItsNumbers(t *testing.T) {
	number, store := with(opI64Const, pcOf(0)+7), memory(opI64Store, 3, 0)
	byPC := code(with(opI64Const, 16), op(opI64ShrU), op(opI32Wrap), with(opLocalSet, localPC), with(opI32Const, 0), with(opLocalGet, localPC), memory(opCallTable, 0, 0))
	cases := map[string]struct {
		parts []instruction
		keeps bool
	}{
		"dropped":                        {code(number, op(opDrop)), true},
		"stored where a pointer leads":   {code(with(opLocalGet, 2), op(opI32Wrap), number, store, with(opLocalGet, 2), op(opDrop)), true},
		"an argument":                    {code(with(opLocalGet, localSP), number, store, calling(6, goes, 0)), true},
		"the first word of a new frame":  {code(pushing(), number, store, with(opLocalGet, 2), op(opDrop)), true},
		"pushed for a call":              {code(pushing(), number, calls(goes)), false},
		"pushed for a call by a pointer": {code(pushing(), number, store, byPC), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, tb := framed(map[int64]int32{0: 0}, map[int64]int32{0: 0}, 0)
			parts := code(enter(), begin(opBlock, 1), begin(opBlock, 2), with(opLocalGet, localPC), table(2, 1), ends(2), ends(1),
				calling(5, goes, 0), c.parts, ends(whole))
			f := newFunction(slices.Clone(parts))
			pcs, err := f.renumber(0, r, tb, sigpanic)
			if err != nil || c.keeps != (pcs.sizes == nil) {
				t.Fatalf("%v, %v", pcs, err)
			}
			if c.keeps {
				f.sharePC(0)
				wantCode(t, f, parts)
			}
		})
	}
}

func TestUnknownTableOfPCsIsRefused(t *testing.T) {
	for place, want := range map[uint32]error{0: nil, 1: errMalformed} {
		r := make(record, recordLen+4*(pcdataArgLive+2))
		order.PutUint32(r[npcdataAt:], pcdataArgLive+2)
		order.PutUint32(r.pcdata(pcdataArgLive), 1)
		order.PutUint32(r.pcdata(pcdataArgLive+1), place)
		if got := (&tables{}).stripRecord(r, nil, newNames([]byte{0})); got != want {
			t.Errorf("place %d: error %v, want %v", place, got, want)
		}
	}
}

func TestTablesOfPCsAreSharedAndThoseMostUsedComeFirst(t *testing.T) {
	long := map[int64]int32{0: 0, 7: 4096}
	tb := &tables{}
	var records []record
	for range 3 {
		r, more := framed(map[int64]int32{0: 1}, map[int64]int32{0: 2}, 0)
		for _, field := range [][]byte{r[pcspAt:], r.pcdata(pcdataStackMap)} {
			order.PutUint32(field, order.Uint32(field)+uint32(len(tb.pcs)))
		}
		tb.pcs = append(tb.pcs, more.pcs...)
		records = append(records, r)
	}
	replaced := []pcTables{{}, {}, {sizes: encodePCs(long)}}
	if err := tb.layOutPCs(records, replaced); err != nil {
		t.Fatal(err)
	}
	place := func(i int) uint32 { return order.Uint32(records[i].pcdata(pcdataStackMap)) }
	if place(0) != 1 || place(1) != 1 || place(2) != 1 {
		t.Errorf("the most used table is at %d, %d and %d, want 1", place(0), place(1), place(2))
	}
	for i, want := range []int32{1, 1, 4096} {
		if got, err := tb.frameSize(records[i], 9); err != nil || got != want {
			t.Errorf("function %d: %d, %v, want %d", i, got, err, want)
		}
	}
}
