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

// mergeable returns how many tables could be one with the table behind them in their level.
func (f *fixture) mergeable() (n int) {
	for _, tables := range f.state.Load().version.Levels[1:] {
		for i := 1; i < len(tables); i++ {
			if 8*(tables[i-1].Size+tables[i].Size) <= 7*int64(f.options.TableSize) {
				n++
			}
		}
	}
	return n
}

// ingest stores the keys from number first to the last but one as Ingest does.
func (f *fixture) ingest(first, last, valueLen int) {
	f.t.Helper()
	f.must(f.Ingest(func(yield func(key, value []byte) bool) {
		for i := first; i < last && yield(numberedKey(i), noise(i, valueLen)); i++ {
		}
	}))
}

func TestCompactMergesSmallNeighbours(t *testing.T) {
	const n, valueLen = 400, 100
	fresh := newFixture(t, quietOptions())
	fresh.load(n, valueLen)
	fresh.must(fresh.Compact(nil, nil))
	for name, prepare := range map[string]func(f *fixture){
		"as they were written": func(*fixture) {},
		// Whether they hold garbage isn't known then.
		"as they were found": (*fixture).reopen,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, quietOptions())
			// Fewer of them than are merged unasked fit into a table.
			for i := 0; i < n; i += 10 {
				f.ingest(i, i+10, valueLen)
			}
			prepare(f)
			f.must(f.Compact(nil, nil))
			if k := f.mergeable(); k != 0 {
				t.Errorf("%d tables could be one with the next, files by level: %v", k, f.files())
			}
			if got, want := f.storeSize(), fresh.storeSize(); got > want*11/10 {
				t.Errorf("%d bytes, a fresh store has %d", got, want)
			}
			if got, want := f.dump(f), fresh.dump(fresh); got != want {
				t.Error("its content is not that of the fresh store")
			}
			before := f.count(onKind(base.FileTable, faultfs.Create))
			f.must(f.Compact(nil, nil))
			if k := f.count(onKind(base.FileTable, faultfs.Create)) - before; k != 0 {
				t.Errorf("%d tables written once more", k)
			}
		})
	}
}

func TestCompactMergesWhatIsSmallWithoutGarbage(t *testing.T) {
	f := newFixture(t, quietOptions())
	var snapshots []*Snapshot
	for round := range 4 {
		for i := range 200 {
			f.must(f.Put(numberedKey(i), noise(i+round, 100), Deferred))
		}
		s, err := f.NewSnapshot()
		f.must(err)
		snapshots = append(snapshots, s)
	}
	f.must(f.Compact(nil, nil))
	for _, s := range snapshots {
		f.must(s.Close())
	}
	f.must(f.Compact(nil, nil))
	if n := f.mergeable(); n != 0 {
		t.Errorf("%d tables could be one with the next, files by level: %v", n, f.files())
	}
}

func TestCompactMergesATableWithOneThatHasBecomeSmall(t *testing.T) {
	f := newFixture(t, quietOptions())
	store := func(prefix string, n int) {
		for i := range n {
			f.must(f.Put(fmt.Appendf(nil, "%s%02d", prefix, i), noise(i, 100), Deferred))
		}
	}
	store("a", 40)
	f.must(f.Compact([]byte("a"), []byte("a~")))
	store("c", 65)
	f.must(f.Compact([]byte("c"), []byte("c~")))
	var snapshots []*Snapshot
	for range 3 {
		store("b", 15)
		s, err := f.NewSnapshot()
		f.must(err)
		snapshots = append(snapshots, s)
	}
	f.must(f.Compact([]byte("b"), []byte("b~")))
	if n := f.files()[1]; n != 3 {
		t.Fatalf("%d tables, want 3", n)
	}
	for _, s := range snapshots {
		f.must(s.Close())
	}
	f.must(f.Compact(nil, nil))
	if n := f.files()[1]; n != 2 {
		t.Errorf("%d tables, want that of b in that of a", n)
	}
}

func TestCompactOfARangeLeavesSmallNeighboursOutsideAlone(t *testing.T) {
	f := newFixture(t, quietOptions())
	for i := range 6 {
		f.ingest(10*i, 10*i+10, 10)
	}
	f.must(f.Compact(numberedKey(20), numberedKey(39)))
	if n := f.files()[base.NumLevels-1]; n != 5 {
		t.Errorf("%d tables, want the two of the range in one", n)
	}
}

func TestCompactShrinksTheManifest(t *testing.T) {
	const n = 20
	fresh := newFixture(t, quietOptions())
	fresh.load(n, 20)
	fresh.must(fresh.Compact(nil, nil))

	f := newFixture(t, quietOptions())
	for i := range 20 * n {
		f.must(f.Put(numberedKey(i%n), noise(i%n, 20), Deferred))
		if i%4 == 0 {
			f.must(f.Flush())
		}
	}
	f.must(f.Compact(numberedKey(0), nil))
	if got := f.manifestSize(); got < 4000 {
		t.Fatalf("the manifest has %d bytes after all these flushes", got)
	}
	f.must(f.Compact(nil, nil))
	if got, want := f.manifestSize(), fresh.manifestSize(); got > want {
		t.Errorf("the manifest has %d bytes, a fresh store's %d", got, want)
	}
	before := f.count(onKind(base.FileManifest, faultfs.Create))
	f.must(f.Compact(nil, nil))
	if k := f.count(onKind(base.FileManifest, faultfs.Create)) - before; k != 0 {
		t.Errorf("%d manifests begun once more", k)
	}
	want := fresh.dump(fresh)
	f.holds(f, want)
	f.crash()
	f.holds(f, want)
}

// manifestSize returns the bytes of all manifests.
func (f *fixture) manifestSize() (sum int64) {
	f.t.Helper()
	files, err := f.listFiles()
	f.must(err)
	for _, file := range files {
		if file.kind == base.FileManifest {
			sum += file.Size
		}
	}
	return sum
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

// compacted returns when no compaction is needed any more.
func (f *fixture) compacted() {
	await(func() bool { return len(f.compactWork) == 0 && parked("compactLoop", "select") })
}

func TestSmallTablesOfKeysThatComeInOrderAreMerged(t *testing.T) {
	const n = 400
	flush := func(f *fixture, i int) {
		f.must(f.Put(numberedKey(i), noise(i, 20), Deferred))
		f.must(f.Flush())
	}
	for name, store := range map[string]func(f *fixture, i int){
		"ascending":  flush,
		"descending": func(f *fixture, i int) { flush(f, n-1-i) },
		"ingested":   func(f *fixture, i int) { f.ingest(i, i+1, 20) },
	} {
		t.Run(name, func(t *testing.T) {
			o := quietOptions()
			o.L0CompactionFiles, o.TableSize = 4, 64<<10
			f := newFixture(t, o)
			for i := range n {
				store(f, i)
			}
			f.compacted()
			m, files := f.Metrics(), f.files()
			total := 0
			for _, k := range files {
				total += k
			}
			if total > 40 {
				t.Errorf("%d tables, by level: %v", total, files)
			}
			// Each time that an entry is rewritten, its table becomes at least twice as large.
			if limit := 9 * m.FlushBytes; m.CompactionBytesWritten > limit {
				t.Errorf("%d bytes were written for it, at most %d wanted", m.CompactionBytesWritten, limit)
			}
			if got := f.entriesInTables(); got != n {
				t.Errorf("%d entries for %d keys", got, n)
			}
		})
	}
}

func TestNoTableComesBetweenThoseThatAreBeingMerged(t *testing.T) {
	o := quietOptions()
	o.L0CompactionFiles, o.Compactions = 1, 2
	f := newFixture(t, o)
	g := f.hold(onKind(base.FileTable, faultfs.Open))
	for i := range 8 {
		f.put(fmt.Sprintf("k%d=1", 2*i))
		f.must(f.Flush())
	}
	<-g.reached
	f.put("k1=1")
	f.must(f.Flush())
	if more, err := f.compactOnce(); more || err != nil || f.files()[0] != 1 {
		t.Errorf("compactOnce: %t, %v; files by level: %v", more, err, f.files())
	}
	g.open()
	f.compacted()
	if n := f.files(); n[0] != 0 || n[1] != 1 {
		t.Errorf("files by level: %v", n)
	}
	f.holds(f, "k0=1 k1=1 k10=1 k12=1 k14=1 k2=1 k4=1 k6=1 k8=1")
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

func TestObsoleteTableIsClosed(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(200, 100)
	f.must(f.Flush())
	_, err := f.Get(nil, numberedKey(0))
	f.must(err)
	f.must(f.DeleteRange(nil, nil, Relaxed))
	if n := f.Metrics().TableCache.Bytes; n != 0 {
		t.Errorf("%d bytes of tables that are gone are kept", n)
	}
	f.must(f.Check())
}

func TestWritesWaitFromTheNumberOfTablesInLevelZeroThatStopsThem(t *testing.T) {
	o := smallOptions()
	o.L0CompactionFiles, o.L0StopFiles = 2, 3
	f := newFixture(t, o)
	f.compactMu.Lock()
	defer f.compactMu.Unlock()
	for n := 1; n <= o.L0StopFiles; n++ {
		f.put("a=1")
		f.must(f.Flush())
		if wait := f.locked(f.stalledLocked); wait != (n == o.L0StopFiles) {
			t.Errorf("%d tables: writes wait: %t", n, wait)
		}
	}
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
