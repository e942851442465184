//go:build !js

package sstable

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/storage"
	"github.com/syndtr/goleveldb/leveldb/table"

	"github.com/varvedb/varve/engine/internal/base"
)

// internalComparer tells goleveldb's tables the order of internal keys.
type internalComparer struct{}

func (internalComparer) Compare(a, b []byte) int { return base.Compare(a, b) }
func (internalComparer) Name() string            { return base.ComparerName }

func (internalComparer) Separator(dst, a, b []byte) []byte { return base.AppendSeparator(dst, a, b) }
func (internalComparer) Successor(dst, b []byte) []byte    { return base.AppendSuccessor(dst, b) }

func goleveldbOptions(compression opt.Compression) *opt.Options {
	return &opt.Options{
		Comparer:             internalComparer{},
		Filter:               filter.NewBloomFilter(10),
		Compression:          compression,
		BlockSize:            1 << 10,
		BlockRestartInterval: 5,
		Strict:               opt.StrictAll,
	}
}

func TestGoleveldbReadsOurTables(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		model := randomModel(rng, rng.IntN(500))
		data := writeTable(t, model, randomWriterOptions(rng))
		r, err := table.NewReader(bytes.NewReader(data), int64(len(data)), storage.FileDesc{}, nil, nil,
			goleveldbOptions(opt.DefaultCompression))
		if err != nil {
			t.Fatal(err)
		}
		it := r.NewIterator(nil, nil)
		i := 0
		for it.Next() {
			if !bytes.Equal(it.Key(), model[i].key) || !bytes.Equal(it.Value(), model[i].value) {
				t.Fatalf("seed %d: entry %d is %q, want %q", seed, i, it.Key(), model[i].key)
			}
			i++
		}
		if i != len(model) || it.Error() != nil {
			t.Fatalf("seed %d: %d of %d entries, %v", seed, i, len(model), it.Error())
		}
		for _, e := range model {
			key, value, err := r.Find(e.key, true, nil)
			if err != nil || !bytes.Equal(key, e.key) || !bytes.Equal(value, e.value) {
				t.Fatalf("seed %d: Find(%q) = %q, %q, %v", seed, e.key, key, value, err)
			}
		}
		it.Release()
		r.Release()
	}
}

func TestWeReadGoleveldbsTables(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		model := randomModel(rng, rng.IntN(500))
		var file bytes.Buffer
		w := table.NewWriter(&file, goleveldbOptions(opt.SnappyCompression-opt.Compression(seed%2)), nil, 0)
		for _, e := range model {
			if err := w.Append(e.key, e.value); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r := openTable(t, file.Bytes())
		for range 200 {
			checkGet(t, r, model, probe(rng, model))
		}
		it := r.NewIterator(true)
		place := modelIterator{model: model, at: -1}
		for range 300 {
			place.move(t, rng, it, probe(rng, model))
		}
		if n, _, err := r.Verify(nil); err != nil || int(n) != len(model) {
			t.Fatalf("seed %d: Verify() = %d, %v, want %d entries", seed, n, err, len(model))
		}
	}
}
