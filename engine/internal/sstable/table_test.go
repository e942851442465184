package sstable

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func TestTableEqualsSortedModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			model := randomModel(rng, rng.IntN(700))
			r := openTable(t, writeTable(t, model, randomWriterOptions(rng)))
			for range 300 {
				checkGet(t, r, model, probe(rng, model))
			}
			var probes [][]byte
			for range 200 {
				probes = append(probes, probe(rng, model))
			}
			checkFinder(t, r, model, probes[:rng.IntN(len(probes))])
			for _, e := range model {
				probes = append(probes, e.key)
			}
			checkFinder(t, r, model, probes)
			for _, e := range model {
				checkGet(t, r, model, e.key)
			}
			for _, fill := range []bool{false, true, false} {
				it := r.NewIterator(fill)
				place := modelIterator{model: model, at: -1}
				for range 500 {
					place.move(t, rng, it, probe(rng, model))
				}
				if err := it.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if n, _, err := r.Verify(nil); err != nil || int(n) != len(model) {
				t.Fatalf("Verify() = %d, %v, want %d entries", n, err, len(model))
			}
		})
	}
}

func TestIteratorScansBothWays(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		model := randomModel(rng, 500)
		r := openTable(t, writeTable(t, model, randomWriterOptions(rng)))
		for _, fill := range []bool{false, true, true} {
			it := r.NewIterator(fill)
			place := modelIterator{model: model}
			for ok := it.First(); ; ok = it.Next() {
				place.check(t, it, ok, "Next", nil)
				if !ok {
					break
				}
				place.at++
			}
			place.at = len(model) - 1
			for ok := it.Last(); ; ok = it.Prev() {
				place.check(t, it, ok, "Prev", nil)
				if !ok {
					break
				}
				place.at--
			}
		}
	}
}

func TestEmptyTableHoldsNothing(t *testing.T) {
	for _, bits := range []int{0, 10} {
		r := openTable(t, writeTable(t, nil, WriterOptions{FilterBitsPerKey: bits}))
		checkGet(t, r, nil, internalKey("a", 1, base.KindSeek))
		it := r.NewIterator(true)
		key := internalKey("a", 1, base.KindSeek)
		if it.First() || it.Last() || it.SeekGE(key) || it.SeekLT(key) || it.Error() != nil {
			t.Fatal("the iterator found something in an empty table")
		}
		if n, _, err := r.Verify(nil); n != 0 || err != nil {
			t.Fatalf("Verify() = %d, %v", n, err)
		}
	}
}

func TestValueLargerThanManyBlocksSurvives(t *testing.T) {
	model := []kv{
		{internalKey("a", 1, base.KindPut), []byte("small")},
		{internalKey("b", 2, base.KindPut), bytes.Repeat([]byte("0123456789abcdef"), 1<<17)},
		{internalKey("c", 3, base.KindPut), nil},
	}
	for _, plain := range []bool{false, true} {
		r := openTable(t, writeTable(t, model, WriterOptions{FilterBitsPerKey: 10, NoCompression: plain}))
		for _, e := range model {
			checkGet(t, r, model, e.key)
		}
		if forwards, backwards, err := scan(r, false); forwards != 3 || backwards != 3 || err != nil {
			t.Fatalf("scanned %d and %d entries, %v", forwards, backwards, err)
		}
	}
}

func TestCloseOfIteratorIsIdempotent(t *testing.T) {
	r := openTable(t, writeTable(t, numberedModel(100), WriterOptions{}))
	it := r.NewIterator(true)
	it.Last()
	for range 2 {
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
		if it.Valid() {
			t.Fatal("a closed iterator is valid")
		}
	}
}
