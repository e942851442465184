package skiplist

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

// The benchmarks work on a list of benchEntries entries of a 16-byte key and a 100-byte
// value: what a memtable of 4 MiB holds.
const benchEntries = 25_000

var benchValue = make([]byte, 100)

func benchUser(dst []byte, i uint64) []byte {
	dst = append(dst[:0], "shift/00"...)
	return binary.BigEndian.AppendUint64(dst, i)
}

func scatter(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 }

func benchList(b *testing.B) *List {
	l := newList(4 << 20)
	var user []byte
	for i := range benchEntries {
		user = benchUser(user, scatter(i))
		if err := l.Insert(nil, user, base.MakeTrailer(1, base.KindPut), benchValue); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

// fill inserts b.N keys into lists of benchEntries.
func fill(b *testing.B, s *Splice, key func(i int) uint64) {
	arena := make([]byte, 4<<20)
	var l *List
	var user []byte
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		i := n % benchEntries
		if i == 0 {
			l = New(arena)
		}
		user = benchUser(user, key(i))
		if err := l.Insert(s, user, base.MakeTrailer(1, base.KindPut), benchValue); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFillSeq(b *testing.B) {
	fill(b, new(Splice), func(i int) uint64 { return uint64(i) })
}

func BenchmarkFillRandom(b *testing.B) { fill(b, nil, scatter) }

// BenchmarkFillSortedBatches inserts batches of 1,000 random keys, each sorted.
func BenchmarkFillSortedBatches(b *testing.B) {
	keys := make([]uint64, benchEntries)
	for i := range keys {
		keys[i] = scatter(i)
	}
	for batch := range slices.Chunk(keys, 1000) {
		slices.Sort(batch)
	}
	fill(b, new(Splice), func(i int) uint64 { return keys[i] })
}

func BenchmarkReadRandom(b *testing.B) {
	l := benchList(b)
	var user []byte
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		user = benchUser(user, scatter(n*7%benchEntries))
		if _, _, ok := l.Find(user, base.MakeTrailer(base.MaxSeq, base.KindSeek)); !ok {
			b.Fatal("key is gone")
		}
	}
}

func BenchmarkSeekRandom(b *testing.B) {
	l := benchList(b)
	var it Iterator
	it.Init(l)
	var key []byte
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		key = base.AppendInternalKey(benchUser(key, scatter(n*7%benchEntries)), nil, base.MaxSeq, base.KindSeek)
		if !it.SeekGE(key) {
			b.Fatal("key is gone")
		}
	}
}

func BenchmarkReadSeq(b *testing.B) {
	it := iterate(benchList(b))
	b.ReportAllocs()
	for b.Loop() {
		if !it.Valid() || !it.Next() {
			it.First()
		}
		_, _ = it.Key(), it.Value()
	}
}

func BenchmarkReadReverse(b *testing.B) {
	it := iterate(benchList(b))
	b.ReportAllocs()
	for b.Loop() {
		if !it.Valid() || !it.Prev() {
			it.Last()
		}
		_, _ = it.Key(), it.Value()
	}
}
