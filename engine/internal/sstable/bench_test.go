package sstable

import (
	"fmt"
	"io"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

// benchEntries fill a table of 2 MiB.
const benchEntries = 18000

func benchTable(b *testing.B) (*Reader, []kv) {
	model := numberedModel(benchEntries)
	r := openTable(b, writeTable(b, model, WriterOptions{FilterBitsPerKey: 10}))
	if _, _, err := scan(r, true); err != nil {
		b.Fatal(err)
	}
	return r, model
}

// shuffled visits all of n, far apart: 7919 is a prime.
func shuffled(i, n int) int { return i * 7919 % n }

func BenchmarkFillSeq(b *testing.B) {
	for _, plain := range []bool{false, true} {
		options := WriterOptions{FilterBitsPerKey: 10, NoCompression: plain}
		b.Run(fmt.Sprintf("plain=%v", plain), func(b *testing.B) {
			model := numberedModel(benchEntries)
			b.ReportAllocs()
			var w *Writer
			for i := 0; b.Loop(); i++ {
				if i%benchEntries == 0 {
					w = NewWriter(io.Discard, options)
				}
				e := model[i%benchEntries]
				if err := w.Add(e.key, e.value); err != nil {
					b.Fatal(err)
				}
				if i%benchEntries == benchEntries-1 {
					if _, err := w.Finish(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkReadRandom(b *testing.B) {
	r, model := benchTable(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, found, err := r.Get(model[shuffled(i, benchEntries)].key, Wait); !found || err != nil {
			b.Fatal(found, err)
		}
	}
}

func BenchmarkReadMissing(b *testing.B) {
	r, model := benchTable(b)
	key := make([]byte, 0, 32)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key = append(key[:0], base.UserKey(model[shuffled(i, benchEntries)].key)...)
		key = base.AppendInternalKey(key, []byte("!"), base.MaxSeq, base.KindSeek)
		if _, _, found, err := r.Get(key, Wait); found || err != nil {
			b.Fatal(found, err)
		}
	}
}

func BenchmarkReadUncached(b *testing.B) {
	model := numberedModel(benchEntries)
	r, err := NewReader(newMemFile(writeTable(b, model, WriterOptions{FilterBitsPerKey: 10})), ReaderOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, found, err := r.Get(model[shuffled(i, benchEntries)].key, Wait); !found || err != nil {
			b.Fatal(found, err)
		}
	}
}

func BenchmarkReadSeq(b *testing.B) {
	r, _ := benchTable(b)
	it := r.NewIterator(true)
	it.First()
	b.ReportAllocs()
	for b.Loop() {
		if !it.Next() {
			it.First()
		}
	}
}

func BenchmarkReadReverse(b *testing.B) {
	r, _ := benchTable(b)
	it := r.NewIterator(true)
	it.Last()
	b.ReportAllocs()
	for b.Loop() {
		if !it.Prev() {
			it.Last()
		}
	}
}

func BenchmarkReadSeqUncached(b *testing.B) {
	r := openTable(b, writeTable(b, numberedModel(benchEntries), WriterOptions{FilterBitsPerKey: 10}))
	it := r.NewIterator(false)
	it.First()
	b.ReportAllocs()
	for b.Loop() {
		if !it.Next() {
			it.First()
		}
	}
}

func BenchmarkSeekRandom(b *testing.B) {
	r, model := benchTable(b)
	it := r.NewIterator(true)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if !it.SeekGE(model[shuffled(i, benchEntries)].key) {
			b.Fatal(it.Error())
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	data := writeTable(b, numberedModel(benchEntries), WriterOptions{FilterBitsPerKey: 10})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewReader(newMemFile(data), ReaderOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
