//go:build !race

package engine

import (
	"fmt"
	"testing"
)

// allocates fails the test if do allocates anything, on average over many runs.
func allocates(t *testing.T, what string, do func()) {
	t.Helper()
	if n := testing.AllocsPerRun(500, do); n != 0 {
		t.Errorf("%s allocates %v times", what, n)
	}
}

func TestReadsFromMemoryAllocateNothing(t *testing.T) {
	for place, arrange := range map[string]func(f *fixture) error{
		"memtable":       func(*fixture) error { return nil },
		"tables":         func(f *fixture) error { return f.Compact(nil, nil) },
		"both, overlaid": func(f *fixture) error { defer f.load(500, 100); return f.Flush() },
	} {
		o := quietOptions()
		o.BlockCacheSize = 4 << 20
		f := newFixture(t, o)
		f.load(500, 100)
		f.must(arrange(f))
		keys := make([][]byte, 500)
		for i := range keys {
			keys[i] = numberedKey(i)
			if _, err := f.Get(nil, keys[i]); err != nil {
				t.Fatal(err)
			}
		}
		i, buffer, missing := 0, make([]byte, 0, 200), []byte("missing")
		allocates(t, "Get from "+place, func() {
			if _, err := f.Get(buffer, keys[i%500]); err != nil {
				t.Fatal(err)
			}
			i++
		})
		allocates(t, "TryGet from "+place, func() {
			if _, err := f.TryGet(buffer, keys[i%500]); err != nil {
				t.Fatal(err)
			}
			i++
		})
		allocates(t, "Get of a missing key from "+place, func() {
			if _, err := f.Get(buffer, missing); err != ErrNotFound {
				t.Fatal(err)
			}
		})
	}
}

func TestIteratorMovesAllocateNothing(t *testing.T) {
	o := quietOptions()
	o.BlockCacheSize = 4 << 20
	f := newFixture(t, o)
	f.load(3000, 100)
	f.must(f.Compact(nil, nil))
	f.load(3000, 100)
	f.must(f.Flush())
	f.load(3000, 100)
	for _, filled := range []bool{true, false} {
		it, err := f.NewIterator(IterOptions{NoCacheFill: !filled})
		f.must(err)
		// Once around, so that its buffers have their sizes and the blocks are cached.
		entries(it, it.First, it.Next)
		entries(it, it.Last, it.Prev)
		where := fmt.Sprintf(", NoCacheFill %t", !filled)
		it.First()
		allocates(t, "Next"+where, func() {
			if !it.Next() {
				t.Fatal(it.Error())
			}
		})
		it.Last()
		allocates(t, "Prev"+where, func() {
			if !it.Prev() {
				t.Fatal(it.Error())
			}
		})
		f.must(it.Close())
	}
}
