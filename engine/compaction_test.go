package engine

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

func (f *fixture) entriesInTables() int64 {
	f.t.Helper()
	report, err := f.Verify()
	f.must(err)
	return report.Entries
}

func (f *fixture) files() (n [base.NumLevels]int) {
	for i, l := range f.Metrics().Levels {
		n[i] = l.Files
	}
	return n
}

func TestCompactReclaimsWhatIsDeletedAndOverwritten(t *testing.T) {
	const n, valueLen = 1000, 100
	fresh := newFixture(t, smallOptions())
	fresh.load(n, valueLen)
	fresh.must(fresh.Compact(nil, nil))

	f := newFixture(t, smallOptions())
	for round := range 4 {
		for i := range 3 * n {
			f.must(f.Put(numberedKey(i), noise(i+round, valueLen), Deferred))
		}
	}
	for i := n; i < 3*n; i++ {
		f.must(f.Delete(numberedKey(i), Deferred))
	}
	f.load(n, valueLen)
	f.must(f.Compact(nil, nil))
	if got, want := f.storeSize(), fresh.storeSize(); got > want*11/10 {
		t.Errorf("%d bytes, a fresh store has %d", got, want)
	}
	if got := f.entriesInTables(); got != n {
		t.Errorf("%d entries for %d keys", got, n)
	}
	if got, want := f.dump(f), fresh.dump(fresh); got != want {
		t.Error("its content is not that of the fresh store")
	}
	f.must(f.Check())
}

func TestCompactReclaimsAlsoWhatWasThereWhenTheStoreWasOpened(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(200, 20)
	f.must(f.Compact(nil, nil))
	for i := range 200 {
		f.must(f.Delete(numberedKey(i), Deferred))
	}
	f.must(f.Flush())
	f.reopen()
	f.must(f.Compact(nil, nil))
	if n := f.files(); n != [base.NumLevels]int{} {
		t.Errorf("files by level: %v", n)
	}
}

func TestCompactOfARangeLeavesTheRestAlone(t *testing.T) {
	f := newFixture(t, quietOptions())
	for round := range 2 {
		for i := range 100 {
			f.put(fmt.Sprintf("%c%02d=%d", 'a'+i%2, i, round))
		}
		f.must(f.Compact(nil, nil))
		for i := range 100 {
			if i%2 == round {
				f.del(fmt.Sprintf("%c%02d", 'a'+i%2, i))
			}
		}
		f.must(f.Compact([]byte{'a' + byte(round)}, []byte{'b' + byte(round)}))
		if round == 0 {
			if got := f.entriesInTables(); got != 50 {
				t.Errorf("%d entries, want the other 50", got)
			}
		}
	}
	// The first half was written again in the second round.
	if got := f.entriesInTables(); got != 50 {
		t.Errorf("%d entries, want 50", got)
	}
}

func TestCompactOfNothingDoesNothing(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.must(f.Compact(nil, nil))
	f.must(f.Flush())
	f.put("a=1")
	f.must(f.Compact(nil, nil))
	before := f.count(onKind(base.FileTable, faultfs.Create))
	f.must(f.Compact(nil, nil))
	f.must(f.Compact([]byte("b"), nil))
	if n := f.count(onKind(base.FileTable, faultfs.Create)) - before; n != 0 {
		t.Errorf("%d tables written", n)
	}
}

func TestLevelsAreKeptWithinTheirSizes(t *testing.T) {
	f := newFixture(t, smallOptions())
	for round := range 3 {
		for i := range 1000 {
			f.must(f.Put(numberedKey(i*7%1000), noise(i+round, 200), Deferred))
		}
	}
	f.must(f.Flush())
	o := f.options
	await(func() bool {
		m := f.Metrics()
		return m.Levels[0].Files < 4 && m.Levels[1].Bytes <= o.BaseLevelSize && m.Levels[2].Bytes <= 10*o.BaseLevelSize
	})
	m := f.Metrics()
	if m.Compactions == 0 || m.Levels[2].Files == 0 {
		t.Errorf("%d compactions, files by level %v", m.Compactions, f.files())
	}
}

func TestTableThatOverlapsNothingIsMoved(t *testing.T) {
	o := quietOptions()
	o.L0CompactionFiles = 2
	f := newFixture(t, o)
	for i := range 6 {
		f.put(fmt.Sprintf("k%d=1", i))
		f.must(f.Flush())
	}
	await(func() bool { return f.Metrics().Levels[0].Files < 2 })
	m := f.Metrics()
	if m.TrivialMoves == 0 || m.CompactionBytesWritten != 0 {
		t.Errorf("%d moves, %d bytes written", m.TrivialMoves, m.CompactionBytesWritten)
	}
	f.holds(f, "k0=1 k1=1 k2=1 k3=1 k4=1 k5=1")
}

func TestTableOfTombstonesIsCompactedSooner(t *testing.T) {
	o := quietOptions()
	f := newFixture(t, o)
	f.load(500, 20)
	f.must(f.Compact(nil, nil))
	for i := range 500 {
		f.must(f.Delete(numberedKey(i), Deferred))
	}
	f.must(f.Flush())
	await(func() bool { return f.Metrics().Levels[0].Files == 0 })
	await(func() bool { return f.storeSize() == 0 })
}

func TestStallsAreCountedAndEnd(t *testing.T) {
	f := newFixture(t, smallOptions())
	creation := onKind(base.FileTable, faultfs.Create)
	g := f.hold(creation)
	written := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			err = f.Put(numberedKey(i), noise(i, 1000), Deferred)
		}
		written <- err
	}()
	await(func() bool { return f.Metrics().WriteStalls > 0 })
	if n := f.Metrics().Memtables; n > 1+maxImmutables {
		t.Errorf("%d memtables", n)
	}
	g.open()
	f.must(<-written)
	if m := f.Metrics(); m.WriteStallTime <= 0 {
		t.Errorf("%d stalls took %v", m.WriteStalls, m.WriteStallTime)
	}
}

func TestLevelZeroStopsWritesUntilItIsCompacted(t *testing.T) {
	o := smallOptions()
	o.L0CompactionFiles, o.L0StopFiles = 2, 3
	f := newFixture(t, o)
	// Compactions read, flushes do not.
	g := f.hold(onKind(base.FileTable, faultfs.Open))
	written := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 300 && err == nil; i++ {
			err = f.Put(numberedKey(i%50), noise(i, 500), Deferred)
		}
		written <- err
	}()
	await(func() bool {
		select {
		case err := <-written:
			t.Fatalf("all was written, with %v files by level: %v", f.files(), err)
		default:
		}
		m := f.Metrics()
		return m.WriteStalls > 0 && m.Levels[0].Files >= o.L0StopFiles && m.Memtables == 1 &&
			len(f.flushWork) == 0 && parked("flushLoop", "select") && parked("applyWaiting", "chan receive")
	})
	// What waits in memory is flushed all the same.
	if n, limit := f.files()[0], o.L0StopFiles+maxImmutables+1; n > limit {
		t.Errorf("%d files in level 0, at most %d wanted", n, limit)
	}
	g.open()
	f.must(<-written)
}

func TestObsoleteTableStaysWhileAnIteratorReadsIt(t *testing.T) {
	o := quietOptions()
	o.BlockCacheSize = -1
	f := newFixture(t, o)
	f.load(200, 100)
	f.must(f.Flush())
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	old := f.names(base.FileTable)
	f.must(f.DeleteRange(nil, nil, Relaxed))
	f.must(f.Compact(nil, nil))
	if n := len(entries(it, it.First, it.Next)); n != 200 {
		t.Errorf("%d entries", n)
	}
	f.must(it.Error())
	f.must(it.Close())
	if now := f.names(base.FileTable); len(now) != 0 {
		t.Errorf("tables %v, before %v", now, old)
	}
}
