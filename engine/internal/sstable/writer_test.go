package sstable

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func TestAddRefusesKeysOutOfOrder(t *testing.T) {
	cases := []struct {
		name         string
		first, other []byte
	}{
		{"the same key", internalKey("a", 5, base.KindPut), internalKey("a", 5, base.KindPut)},
		{"a newer version behind an older", internalKey("a", 5, base.KindPut), internalKey("a", 6, base.KindPut)},
		{"a put behind a delete of one sequence number", internalKey("a", 5, base.KindDelete), internalKey("a", 5, base.KindPut)},
		{"a smaller user key", internalKey("b", 5, base.KindPut), internalKey("a", 4, base.KindPut)},
		{"a prefix", internalKey("ab", 5, base.KindPut), internalKey("a", 4, base.KindPut)},
		{"no trailer", internalKey("a", 5, base.KindPut), []byte("b")},
		{"an unknown kind", internalKey("a", 5, base.KindPut), internalKey("b", 5, 2)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := NewWriter(io.Discard, WriterOptions{})
			if err := w.Add(c.first, nil); err != nil {
				t.Fatal(err)
			}
			if err := w.Add(c.other, nil); err == nil {
				t.Fatalf("Add(%q) behind %q succeeded", c.other, c.first)
			}
			if _, err := w.Finish(); err == nil {
				t.Fatal("Finish succeeded after a failed Add")
			}
		})
	}
}

func TestStatsDescribeTheTable(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, WriterOptions{FilterBitsPerKey: 10})
	smallest, largest := internalKey("a", 9, base.KindPut), internalKey("c", 1, base.KindDelete)
	key := make([]byte, 0, 16)
	for _, k := range [][]byte{smallest, internalKey("a", 2, base.KindDelete), internalKey("b", 3, base.KindPut), largest} {
		key = append(key[:0], k...) // the Writer may not keep it
		if err := w.Add(key, []byte("value")); err != nil {
			t.Fatal(err)
		}
	}
	stats, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if stats.Entries != 4 || stats.Tombstones != 2 {
		t.Errorf("%d entries, %d tombstones, want 4 and 2", stats.Entries, stats.Tombstones)
	}
	if !bytes.Equal(stats.Smallest, smallest) || !bytes.Equal(stats.Largest, largest) {
		t.Errorf("bounds %q and %q, want %q and %q", stats.Smallest, stats.Largest, smallest, largest)
	}
	if stats.Size != int64(file.Len()) {
		t.Errorf("size %d, file has %d bytes", stats.Size, file.Len())
	}
	if _, err := w.Finish(); err == nil {
		t.Error("the second Finish succeeded")
	}
}

func TestEstimatedSizeIsCloseToTheFile(t *testing.T) {
	for _, options := range []WriterOptions{{}, {FilterBitsPerKey: 10}, {NoCompression: true, FilterBitsPerKey: 20}} {
		w := NewWriter(io.Discard, options)
		for _, e := range numberedModel(20000) {
			if err := w.Add(e.key, e.value); err != nil {
				t.Fatal(err)
			}
		}
		estimate := w.EstimatedSize()
		stats, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if estimate < stats.Size*98/100 || estimate > stats.Size*102/100 {
			t.Errorf("%+v: estimated %d bytes, wrote %d", options, estimate, stats.Size)
		}
	}
}

func TestBlockIsCompressedOnlyWhereThatSavesAnEighth(t *testing.T) {
	random := make([]byte, 4000)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	zeros := func(n int) []byte { return append(bytes.Clone(random[:4000-n]), make([]byte, n)...) }
	cases := []struct {
		name  string
		value []byte
		want  byte
	}{
		{"random", random, blockPlain},
		{"a tenth zeros", zeros(400), blockPlain},
		{"a fifth zeros", zeros(800), blockSnappy},
		{"zeros", zeros(4000), blockSnappy},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			data := writeTable(t, []kv{{internalKey("k", 1, base.KindPut), c.value}}, WriterOptions{})
			h := openTable(t, data).index.handle(0)
			if got := data[h.offset+h.length]; got != c.want {
				t.Errorf("block type %d, want %d", got, c.want)
			}
		})
	}
}

// failingWriter takes some bytes and then fails.
type failingWriter struct{ left int }

var errDisk = errors.New("the disk is gone")

func (f *failingWriter) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return 0, errDisk
	}
	f.left -= len(p)
	return len(p), nil
}

func TestWriteErrorStays(t *testing.T) {
	w := NewWriter(&failingWriter{left: 100 << 10}, WriterOptions{})
	var failed bool
	for _, e := range numberedModel(5000) {
		err := w.Add(e.key, e.value)
		if failed && !errors.Is(err, errDisk) {
			t.Fatalf("Add after a failed write: %v", err)
		}
		failed = failed || err != nil
	}
	if _, err := w.Finish(); !errors.Is(err, errDisk) {
		t.Fatalf("Finish after a failed write: %v", err)
	}
	if !failed {
		t.Fatal("no Add reported the failed write")
	}
}
