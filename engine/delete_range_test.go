package engine

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

func TestDeleteRangeDeletesItsBoundsOnly(t *testing.T) {
	for _, place := range []struct {
		name string
		put  func(f *fixture)
	}{
		{"memtable", func(*fixture) {}},
		{"level 0", func(f *fixture) { f.must(f.Flush()) }},
		{"lower level", func(f *fixture) { f.must(f.Compact(nil, nil)) }},
	} {
		for _, c := range []struct {
			lower, upper []byte
			want         string
		}{
			{nil, nil, ""},
			{[]byte("b"), []byte("d"), "a=1 d=1 e=1"},
			{[]byte("b"), nil, "a=1"},
			{nil, []byte("d"), "d=1 e=1"},
			{[]byte("bb"), []byte("bc"), "a=1 b=1 c=1 d=1 e=1"},
			{[]byte("c"), []byte("c"), "a=1 b=1 c=1 d=1 e=1"},
			{[]byte("e"), []byte("z"), "a=1 b=1 c=1 d=1"},
		} {
			f := newFixture(t, quietOptions())
			f.put("a=1", "b=1", "c=1", "d=1", "e=1")
			place.put(f)
			f.must(f.DeleteRange(c.lower, c.upper, Relaxed))
			if got := f.dump(f); got != c.want {
				t.Errorf("%s, [%s, %s): %q, want %q", place.name, c.lower, c.upper, got, c.want)
			}
			f.reopen()
			if got := f.dump(f); got != c.want {
				t.Errorf("%s, [%s, %s), reopened: %q, want %q", place.name, c.lower, c.upper, got, c.want)
			}
		}
	}
}

func TestDeleteRangeOfWholeTablesReadsAndWritesAlmostNothing(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(2000, 100)
	f.must(f.Compact(nil, nil))
	before := f.count(tableRead)
	log := f.Metrics().LogBytes
	f.must(f.DeleteRange(numberedKey(100), numberedKey(1900), Relaxed))
	if reads := f.count(tableRead) - before; reads > 20 {
		t.Errorf("%d reads", reads)
	}
	if n := f.Metrics().LogBytes - log; n > 0 {
		t.Errorf("%d bytes of tombstones", n)
	}
	if got := f.entriesInTables(); got != 200 {
		t.Errorf("%d entries left, want 200", got)
	}
	f.must(f.Check())
}

func TestDeleteRangeThatFailsDeletesNothingOfATable(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Create, faultfs.Write, faultfs.Sync} {
		f := newFixture(t, quietOptions())
		f.load(300, 100)
		f.must(f.Compact(nil, nil))
		want := f.dump(f)
		f.fs.SetRule(failing(faultfs.Kinds(kind), 0))
		expect(t, "DeleteRange", f.DeleteRange(numberedKey(10), numberedKey(290), Strict), errInjected)
		f.holds(f, want)
		f.fs.SetRule(nil)
		f.reopen()
		f.holds(f, want)
		f.must(f.DeleteRange(numberedKey(1), numberedKey(299), Strict))
		f.crash()
		if got := keysOf(entriesOf(f)); got != "key000000key000299" {
			t.Errorf("left: %s", got)
		}
	}
}

func TestDeleteRangeThatFailsLeavesNoTrimmedTable(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(300, 100)
	f.must(f.Compact(nil, nil))
	f.fs.SetRule(failing(onKind(base.FileTable, faultfs.Create), 1)) // of the two at the range's ends
	expect(t, "DeleteRange", f.DeleteRange(numberedKey(10), numberedKey(290), Strict), errInjected)
	f.must(f.Check())
}

func TestDeleteRangeOfAMemtableIsOneWrite(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(1000, 10)
	f.must(f.Sync(Strict))
	before := f.count(logSync)
	f.must(f.DeleteRange(nil, nil, Strict))
	if n := f.count(logSync) - before; n != 1 {
		t.Errorf("%d syncs of the log, want one", n)
	}
	f.holds(f, "")
}

func TestDeleteRangeIsAsDurableAsItSaysWhereNothingIsLeft(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.must(f.Put([]byte("a"), []byte("1"), Strict))
	f.must(f.Delete([]byte("a"), Deferred))
	f.must(f.DeleteRange([]byte("a"), []byte("z"), Strict))
	f.crash()
	f.holds(f, "")
}

func entriesOf(f *fixture) []string {
	f.t.Helper()
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	return entries(it, it.First, it.Next)
}

func TestDeleteRangeHidesNothingFromSnapshots(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(300, 50)
	f.must(f.Compact(nil, nil))
	s, err := f.NewSnapshot()
	f.must(err)
	want := f.dump(s)
	f.must(f.DeleteRange(nil, nil, Relaxed))
	f.holds(f, "")
	f.must(f.Compact(nil, nil))
	f.holds(s, want)
	f.must(s.Close())
}

// Each table of an Ingest goes to a level of its own, of which DeleteRange drops some and merges others.
func TestIngestDuringDeleteRangeIsDeletedWholeOrNotAtAll(t *testing.T) {
	f := newFixture(t, quietOptions())
	for i := range 20 {
		f.must(f.Put(fmt.Appendf(nil, "a%03d", i), noise(i, 100), Relaxed))
	}
	f.must(f.Flush())
	merging, merged := make(chan struct{}), make(chan struct{})
	var held atomic.Bool
	isCreate := onKind(base.FileTable, faultfs.Create)
	f.fs.OnOp(func(_ int, op faultfs.Op) {
		if isCreate(op) && held.CompareAndSwap(false, true) {
			close(merging)
			<-merged
		}
	})
	deleted, ingested := make(chan error, 1), make(chan error, 1)
	go func() { deleted <- f.DeleteRange(nil, nil, Strict) }()
	<-merging
	keys := []string{"a001", "b001"}
	go func() {
		ingested <- f.Ingest(func(yield func(key, value []byte) bool) {
			for i, key := range keys {
				if !yield([]byte(key), noise(i, int(f.opts.TableSize))) {
					return
				}
			}
		})
	}()
	await(func() bool {
		return parked("Ingest", "sync.Mutex.Lock") || parked("installIngested", "sync.RWMutex.Lock")
	})
	close(merged)
	f.must(<-deleted)
	f.must(<-ingested)
	if n := len(entriesOf(f)); n != 0 && n != len(keys) {
		t.Errorf("%d of %d entries of an Ingest are there, want all or none", n, len(keys))
	}
	f.must(f.Check())
}

func TestDeleteRangeDeletesKeysThatCanNotBePut(t *testing.T) {
	f := newFixture(t, quietOptions())
	var b Batch
	for _, key := range [][]byte{nil, noise(0, MaxKeyLen+1)} {
		f.must(b.begin(base.KindPut, key, 0))
		b.data = append(b.data, 0) // the value's length
	}
	f.must(f.Apply(&b, Relaxed))
	f.must(f.DeleteRange(nil, nil, Relaxed))
	f.holds(f, "")
}

func TestSnapshotTakenWhileDeleteRangeFlushesKeepsWhatItSees(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=1", "c=1")
	f.must(f.Compact(nil, nil))
	f.put("d=1") // gives the flush something to do
	g := f.hold(onKind(base.FileTable, faultfs.Create))
	deleted := f.background(func() error { return f.DeleteRange(nil, nil, Relaxed) })
	<-g.reached
	s, err := f.NewSnapshot()
	f.must(err)
	g.open()
	f.must(<-deleted)
	f.holds(f, "")
	f.must(f.Compact(nil, nil))
	f.holds(s, "a=1 b=1 c=1 d=1")
	f.must(s.Close())
}
