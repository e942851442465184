package sstable

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// salvageAll returns what Salvage finds, which must be entries of the model in their order.
func salvageAll(t testing.TB, data []byte, model []kv) (found map[string]bool, lost []Lost) {
	t.Helper()
	found = map[string]bool{}
	at := 0
	lost, err := Salvage(newMemFile(data), "000007.ldb", func(key, value []byte) error {
		for at < len(model) && !bytes.Equal(model[at].key, key) {
			at++
		}
		if at == len(model) || !bytes.Equal(model[at].value, value) {
			t.Fatalf("Salvage made up the entry %q, %q", key, value)
		}
		found[string(key)] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, lost
}

// untouched returns the keys whose blocks the bytes from..to are not in.
func untouched(t testing.TB, pristine []byte, model []kv, from, to int) map[string]bool {
	t.Helper()
	r := openTable(t, pristine)
	keys := map[string]bool{}
	for _, e := range model {
		h := r.index.handle(r.index.search(e.key))
		if int(h.end()) <= from || int(h.offset) >= to {
			keys[string(e.key)] = true
		}
	}
	return keys
}

func checkAllUntouchedFound(t testing.TB, damaged, pristine []byte, model []kv, from, to int) []Lost {
	t.Helper()
	found, lost := salvageAll(t, damaged, model)
	want := untouched(t, pristine, model, from, to)
	for key := range want {
		if !found[key] {
			t.Fatalf("%q is lost, though the damage of %d to %d does not touch its block", key, from, to)
		}
	}
	if len(found) < len(model) && len(lost) == 0 {
		t.Fatalf("%d of %d entries are lost, and no loss is reported", len(model)-len(found), len(model))
	}
	for _, e := range model {
		if !found[string(e.key)] && !slices.ContainsFunc(lost, func(l Lost) bool { return l.covers(e.key) }) {
			t.Fatalf("no loss of %v has the lost key %q", lost, e.key)
		}
	}
	return lost
}

func (l Lost) covers(key []byte) bool {
	return (l.Lower == nil || base.Compare(l.Lower, key) <= 0) && (l.Upper == nil || base.Compare(key, l.Upper) <= 0)
}

func TestSalvageFindsAllThatDamageDoesNotTouch(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		model := randomModel(rng, 1+rng.IntN(400))
		if round%3 == 0 {
			model = numberedModel(1 + rng.IntN(300))
		}
		pristine := writeTable(t, model, randomWriterOptions(rng))
		from := rng.IntN(len(pristine))
		to := min(from+1+rng.IntN(1<<rng.IntN(12)), len(pristine))
		damaged := bytes.Clone(pristine)
		for i := from; i < to; i++ {
			damaged[i] ^= byte(1 + rng.IntN(255))
		}
		checkAllUntouchedFound(t, damaged, pristine, model, from, to)
		checkAllUntouchedFound(t, pristine[:from], pristine, model, from, len(pristine))
	}
}

// Without its index a table is all guesswork: the footer goes, and a block in the middle too.
func TestSalvageFindsBlocksWithoutFooterOrIndex(t *testing.T) {
	model := numberedModel(400)
	for _, options := range []WriterOptions{
		{BlockSize: 512, FilterBitsPerKey: 10},
		{BlockSize: 512, NoCompression: true},
		{BlockSize: 512, RestartInterval: 1, FilterBitsPerKey: 10},
	} {
		pristine := writeTable(t, model, options)
		index := indexHandle(t, pristine)
		x := openTable(t, pristine).index
		for _, gone := range []struct {
			name string
			at   []uint64
		}{
			{"footer", []uint64{uint64(len(pristine)) - 1}},
			{"index", []uint64{index.offset + 3}},
			{"index and footer", []uint64{index.offset + 3, uint64(len(pristine)) - 1}},
		} {
			for _, broken := range []int{-1, 0, x.len() / 2, x.len() - 1} {
				t.Run(fmt.Sprintf("%s and block %d, %+v", gone.name, broken, options), func(t *testing.T) {
					damaged := bytes.Clone(pristine)
					for _, at := range gone.at {
						damaged[at] ^= 0x55
					}
					from, to := 0, 0
					if broken >= 0 {
						from = int(x.handle(broken).offset)
						to = from + 1
						damaged[from] ^= 0x10
					}
					lost := checkAllUntouchedFound(t, damaged, pristine, model, from, to)
					if broken < 0 && len(lost) > 0 && options.FilterBitsPerKey > 0 {
						t.Fatalf("no data block is damaged, yet %v is lost", lost)
					}
				})
			}
		}
	}
}

func indexHandle(t testing.TB, data []byte) handle {
	t.Helper()
	limit := uint64(len(data) - footerLen)
	_, h, err := decodeFooter(data[limit:], limit)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestSalvageTakesNoIndexForData(t *testing.T) {
	// Keys that have no shorter separator stand in the index as they are: valid entries.
	var model []kv
	for i := range 40 {
		model = append(model, kv{internalKey(fmt.Sprintf("k%c", 'a'+i), 9, base.KindPut), bytes.Repeat([]byte{'v'}, 300)})
	}
	pristine := writeTable(t, model, WriterOptions{BlockSize: 256, NoCompression: true})
	x := openTable(t, pristine).index
	damaged := bytes.Clone(pristine)
	damaged[len(damaged)-1] ^= 1
	for i := range x.len() {
		damaged[x.handle(i).offset] ^= 1
		if found, _ := salvageAll(t, damaged, model); len(found) != x.len()-i-1 {
			t.Fatalf("%d blocks are damaged: found %d entries of %d", i+1, len(found), len(model))
		}
	}
}

func TestSalvageOfWholeTableLosesNothing(t *testing.T) {
	model := numberedModel(500)
	data := writeTable(t, model, WriterOptions{FilterBitsPerKey: 10})
	if found, lost := salvageAll(t, data, model); len(found) != len(model) || len(lost) > 0 {
		t.Fatalf("found %d of %d entries, lost %v", len(found), len(model), lost)
	}
}

func TestSalvageEndsWithTheErrorOfVisit(t *testing.T) {
	data := writeTable(t, numberedModel(10), WriterOptions{})
	full := errors.New("full")
	for _, damage := range []int{0, 1} {
		data[len(data)-1] ^= byte(damage)
		_, err := Salvage(newMemFile(data), "000007.ldb", func(_, _ []byte) error { return full })
		if !errors.Is(err, full) {
			t.Errorf("Salvage = %v", err)
		}
	}
}

// badMedium can't read some bytes.
type badMedium struct {
	*memFile
	from, to int64
}

func (m badMedium) ReadAt(p []byte, off int64) (int, error) {
	if off < m.to && off+int64(len(p)) > m.from {
		return 0, vfs.ErrIO
	}
	return m.memFile.ReadAt(p, off)
}

func TestSalvageReadsAroundBadPlacesOfTheMedium(t *testing.T) {
	model := numberedModel(1000)
	data := writeTable(t, model, WriterOptions{FilterBitsPerKey: 10})
	for _, from := range []int{0, 3 << 13, len(data) - 100} {
		count := 0
		lost, err := Salvage(badMedium{newMemFile(data), int64(from), int64(from) + 10}, "000007.ldb",
			func(_, _ []byte) error { count++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if want := len(untouched(t, data, model, from&^(minReadAhead-1), from+minReadAhead)); count < want {
			t.Errorf("bytes from %d on can't be read: found %d entries, want %d; lost %v", from, count, want, lost)
		}
	}
}

// Each of these looks like the beginning of a long block at every few bytes. Were it believed, the
// search would take time that grows with the square of the size, and this test not end.
func TestSalvageOfMisleadingBytesEnds(t *testing.T) {
	for _, pattern := range []string{"\x00\x09\x00", "\x00\x08\x00\x01\x00\x00\x00\x00\x00\x00\x00", "\xff\xff\x03\x00\x00"} {
		data := bytes.Repeat([]byte(pattern), 1<<20/len(pattern))
		if found, lost := salvageAll(t, data, nil); len(found) > 0 || len(lost) != 1 {
			t.Errorf("found %d entries in %q repeated, lost %v", len(found), pattern, lost)
		}
	}
}

func FuzzSalvage(f *testing.F) {
	f.Add(writeTable(f, numberedModel(30), WriterOptions{BlockSize: 256, FilterBitsPerKey: 10}))
	f.Add(writeTable(f, numberedModel(30), WriterOptions{BlockSize: 256, NoCompression: true})[:2000])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var previous []byte
		_, err := Salvage(newMemFile(data), "000007.ldb", func(key, _ []byte) error {
			if !base.ValidInternalKey(key) || previous != nil && base.Compare(previous, key) >= 0 {
				t.Fatalf("%q follows %q", key, previous)
			}
			previous = append(previous[:0], key...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
