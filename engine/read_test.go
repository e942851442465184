package engine

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

var tableRead = onKind(base.FileTable, faultfs.ReadAt)

func TestGetSeesNewestWriteAcrossFlushAndCompaction(t *testing.T) {
	steps := map[string]func(f *fixture) error{
		"nothing": func(*fixture) error { return nil },
		"flush":   func(f *fixture) error { return f.Flush() },
		"compact": func(f *fixture) error { return f.Compact(nil, nil) },
		"reopen":  func(f *fixture) error { f.reopen(); return nil },
	}
	for first, doFirst := range steps {
		for second, doSecond := range steps {
			for third, doThird := range steps {
				f := newFixture(t, quietOptions())
				f.put("a=1", "b=1", "c=1", "d=1")
				f.must(doFirst(f))
				f.put("b=2", "c=2")
				f.del("d")
				f.must(doSecond(f))
				f.put("c=3", "d=3")
				f.del("a")
				f.must(doThird(f))
				if got, want := f.dump(f), "b=2 c=3 d=3"; got != want {
					t.Errorf("%s, %s, %s: %q, want %q", first, second, third, got, want)
				}
				_, err := f.Get(nil, []byte("a"))
				expect(t, "Get of a deleted key", err, ErrNotFound)
			}
		}
	}
}

func TestGetAppendsToTheBufferItIsGiven(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=value")
	for range 2 {
		got, err := f.Get([]byte("prefix "), []byte("a"))
		if err != nil || string(got) != "prefix value" {
			t.Errorf("%q, %v", got, err)
		}
		got, err = f.Get([]byte("prefix "), []byte("missing"))
		if string(got) != "prefix " {
			t.Errorf("missing: %q", got)
		}
		expect(t, "Get of a missing key", err, ErrNotFound)
		f.must(f.Flush())
	}
}

func TestValueFromGetBelongsToItsCaller(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=value")
	for range 3 {
		got, err := f.Get(nil, []byte("a"))
		f.must(err)
		clear(got)
		f.holds(f, "a=value")
		f.must(f.Flush())
	}
}

func TestEmptyValueIsAValue(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=")
	for range 2 {
		found, err := f.Has([]byte("a"))
		if err != nil || !found {
			t.Errorf("Has: %t, %v", found, err)
		}
		f.holds(f, "a=")
		f.must(f.Flush())
	}
}

func TestHasFindsWhatGetFinds(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=1")
	f.must(f.Flush())
	f.del("b")
	for key, want := range map[string]bool{"a": true, "b": false, "c": false} {
		if got, err := f.Has([]byte(key)); err != nil || got != want {
			t.Errorf("Has(%s): %t, %v", key, got, err)
		}
	}
}

func TestGetManyVisitsEachIndexOnceInKeyOrder(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=2")
	f.must(f.Flush())
	f.put("c=3", "b=4")
	f.del("a")
	var got []string
	keys := [][]byte{[]byte("c"), []byte("missing"), []byte("b"), []byte("a"), []byte("b")}
	f.must(f.GetMany(keys, func(i int, value []byte, found bool) {
		got = append(got, fmt.Sprintf("%s:%s:%t", keys[i], value, found))
	}))
	want := "[a::false b:4:true b:4:true c:3:true missing::false]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestGetManyReadsOneMoment(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=1")
	f.must(f.GetMany([][]byte{[]byte("a"), []byte("b")}, func(i int, value []byte, _ bool) {
		if string(value) != "1" {
			t.Errorf("key %d: %q", i, value)
		}
		f.put("a=2", "b=2")
		f.must(f.Compact(nil, nil))
	}))
}

func TestFilterSavesReadsForMissingKeys(t *testing.T) {
	for bits, saved := range map[int]bool{10: true, -1: false} {
		o := quietOptions()
		o.FilterBitsPerKey, o.BlockCacheSize = bits, -1
		f := newFixture(t, o)
		f.load(500, 20)
		f.must(f.Flush())
		_, err := f.Get(nil, numberedKey(0))
		f.must(err)
		before := f.count(tableRead)
		for i := range 200 {
			if found, err := f.Has(fmt.Appendf(nil, "key%06dx", i)); found || err != nil {
				t.Fatal(found, err)
			}
		}
		if reads := f.count(tableRead) - before; (reads < 20) != saved {
			t.Errorf("%d bits a key: %d reads for 200 missing keys", bits, reads)
		}
		m := f.Metrics()
		if saved != (m.FilterNegatives > 180) {
			t.Errorf("%d bits a key: %d of %d checks were negative", bits, m.FilterNegatives, m.FilterChecks)
		}
	}
}

func TestCachedBlockIsNotReadAgain(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(200, 50)
	f.must(f.Flush())
	for i := range 200 {
		if _, err := f.Get(nil, numberedKey(i)); err != nil {
			t.Fatal(err)
		}
	}
	before := f.count(tableRead)
	for i := range 200 {
		if got, err := f.Get(nil, numberedKey(i)); err != nil || !bytes.Equal(got, noise(i, 50)) {
			t.Fatal(i, err)
		}
	}
	if reads := f.count(tableRead) - before; reads != 0 {
		t.Errorf("%d reads of what is cached", reads)
	}
}

// A batch is in the memtable, entry by entry, before it is to be seen.
func TestReadsSeeNothingOfABatchThatIsBeingApplied(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=1")
	var batch Batch
	f.must(batch.Put([]byte("a"), []byte("2")))
	f.must(batch.Delete([]byte("b")))
	f.must(batch.Put([]byte("c"), []byte("2")))
	f.mu.Lock()
	batch.setSeq(f.lastSeq + 1)
	f.must(f.insertLocked(f.mutableLocked(), &batch, f.lastSeq+1))
	f.mu.Unlock()
	f.holds(f, "a=1 b=1")
	for key, want := range map[string]bool{"b": true, "c": false} {
		if got, err := f.Has([]byte(key)); err != nil || got != want {
			t.Errorf("Has(%s): %t, %v", key, got, err)
		}
	}
	s, err := f.NewSnapshot()
	f.must(err)
	f.locked(func() bool {
		f.lastSeq += 3
		f.visible.Store(uint64(f.lastSeq))
		return true
	})
	f.holds(f, "a=2 c=2")
	f.holds(s, "a=1 b=1")
	f.must(s.Close())
}
