package sstable

import (
	"io"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func TestCachedReadsAllocateNothing(t *testing.T) {
	model := numberedModel(2000)
	r := openTable(t, writeTable(t, model, WriterOptions{FilterBitsPerKey: 10}))
	it := r.NewIterator(true)
	for ok := it.First(); ok; ok = it.Next() {
	}
	for ok := it.Last(); ok; ok = it.Prev() {
	}
	beside := r.NewIterator(false)
	absent := internalKey("absent", 1, base.KindSeek)
	i := 0
	next := func() []byte {
		i = (i + 617) % len(model)
		return model[i].key
	}
	cases := map[string]func(){
		"Get":            func() { _, _, _, _ = r.Get(next(), Wait) },
		"Get with Try":   func() { _, _, _, _ = r.Get(next(), Try) },
		"Get, absent":    func() { _, _, _, _ = r.Get(absent, Wait) },
		"SeekGE":         func() { it.SeekGE(next()) },
		"SeekLT":         func() { it.SeekLT(next()) },
		"First and Next": func() { it.First(); it.Next() },
		"Last and Prev":  func() { it.Last(); it.Prev() },
		"a scan": func() {
			for ok := it.First(); ok; ok = it.Next() {
			}
		},
		"a scan that does not fill": func() {
			for ok := beside.First(); ok; ok = beside.Next() {
			}
		},
		"a scan in reverse": func() {
			for ok := it.Last(); ok; ok = it.Prev() {
			}
		},
	}
	for name, read := range cases {
		if allocs := testing.AllocsPerRun(50, read); allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func TestScanPastTheCacheAllocatesNothing(t *testing.T) {
	r := openTable(t, writeTable(t, numberedModel(5000), WriterOptions{}))
	it := r.NewIterator(false)
	scan := func() {
		for ok := it.First(); ok; ok = it.Next() {
		}
		for ok := it.Last(); ok; ok = it.Prev() {
		}
	}
	scan()
	if allocs := testing.AllocsPerRun(5, scan); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestAddAllocatesNoneAnEntry(t *testing.T) {
	model := numberedModel(10000)
	allocs := testing.AllocsPerRun(3, func() {
		w := NewWriter(io.Discard, WriterOptions{FilterBitsPerKey: 10})
		for _, e := range model {
			_ = w.Add(e.key, e.value)
		}
		_, _ = w.Finish()
	})
	if allocs > 150 {
		t.Errorf("%v allocations for a table of %d entries", allocs, len(model))
	}
}
