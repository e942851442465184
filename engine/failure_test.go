package engine

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// pendingWrite makes a write of its own goroutine and returns when it is visible.
func (f *fixture) pendingWrite(pair string, d Durability) <-chan error {
	f.t.Helper()
	before := f.Metrics().LastSeq
	done := make(chan error, 1)
	go func() { done <- f.Put([]byte(pair[:1]), []byte(pair[2:]), d) }()
	await(func() bool { return f.Metrics().LastSeq > before })
	return done
}

// retireUnsynced makes a write whose log is held before its sync, in a memtable that takes no more.
func (f *fixture) retireUnsynced(pair string) (*gate, <-chan error) {
	f.t.Helper()
	g := f.hold(logSync)
	done := f.pendingWrite(pair, Relaxed)
	<-g.reached
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retireMutableLocked(0)
	return g, done
}

func TestFailedLogWriteIsToldToThoseThatWaitedForIt(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Write, faultfs.Sync} {
		t.Run(kind.String(), func(t *testing.T) {
			f := newFixture(t, Options{})
			f.put("a=0", "b=0", "c=0")
			g := f.hold(logSync)
			first := f.pendingWrite("a=1", Relaxed)
			<-g.reached
			second, third := f.pendingWrite("b=1", Relaxed), f.pendingWrite("c=1", Strict)
			f.must(f.Put([]byte("d"), []byte("1"), Deferred))
			f.fs.SetRule(failing(onKind(base.FileLog, kind), 0))
			g.open()
			f.must(<-first)
			expect(t, "the second write", <-second, errInjected)
			expect(t, "the third write", <-third, errInjected)
			f.holds(f, "a=1 b=0 c=0 d=1")
			f.fs.SetRule(nil)
			f.must(f.Sync(Strict))
			f.crash()
			f.holds(f, "a=1 b=0 c=0 d=1")
		})
	}
}

// failWrite makes a write that overwrites and deletes, and fails. Its log is not replaced before
// the rule changes.
func (f *fixture) failWrite() {
	f.t.Helper()
	var b Batch
	f.must(b.Put([]byte("a"), []byte("failed")))
	f.must(b.Delete([]byte("b")))
	f.must(b.Put([]byte("new"), []byte("failed")))
	newTable := onKind(base.FileTable, faultfs.Create)
	f.fs.SetRule(failing(func(op faultfs.Op) bool { return logSync(op) || newTable(op) }, 0))
	expect(f.t, "the write", f.Apply(&b, Strict), errInjected)
}

func TestFailedWriteIsInNoLaterRead(t *testing.T) {
	const want = "a=1 b=1"
	for name, look := range map[string]func(t *testing.T, f *fixture){
		"get and scan": func(t *testing.T, f *fixture) { f.holds(f, want) },
		"snapshot": func(t *testing.T, f *fixture) {
			s, err := f.NewSnapshot()
			f.must(err)
			defer s.Close()
			f.holds(s, want)
		},
		"flush": func(t *testing.T, f *fixture) {
			f.fs.SetRule(nil)
			f.must(f.Flush())
			f.holds(f, want)
			f.crash()
			f.holds(f, want)
		},
		"compaction": func(t *testing.T, f *fixture) {
			f.fs.SetRule(nil)
			f.must(f.Compact(nil, nil))
			f.holds(f, want)
		},
		"recovery, though the fault lasted until the end": func(t *testing.T, f *fixture) {
			expect(t, "Close", f.Close(), errInjected)
			f.fs.SetRule(nil)
			f.open()
			f.holds(f, want)
		},
		"recovery from a crash": func(t *testing.T, f *fixture) {
			f.medium = f.medium.Crash(memfs.Keep{})
			expect(t, "Close", f.Close(), errInjected)
			f.fs = faultfs.New(f.medium, nil)
			f.open()
			f.holds(f, want)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, Options{})
			f.put("a=1", "b=1")
			f.failWrite()
			look(t, f)
		})
	}
}

func TestWritesAreTakenAgainWhenTheFaultEnds(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("a=1")
	f.fs.SetRule(failing(faultfs.Kinds(faultfs.Write, faultfs.Sync, faultfs.Create), 0))
	for _, d := range []Durability{Strict, Relaxed, Deferred} {
		expect(t, "the first write, then those on a failed log", f.Put([]byte("a"), []byte("2"), Strict), errInjected)
		expect(t, "a write on a failed log", f.Put([]byte("a"), []byte("2"), d), errInjected)
	}
	expect(t, "Sync on a failed log", f.Sync(Relaxed), errInjected)
	f.holds(f, "a=1")
	f.fs.SetRule(nil)
	f.must(f.Put([]byte("b"), []byte("1"), Strict))
	f.crash()
	f.holds(f, "a=1 b=1")
}

func TestDeferredWriteOutlivesAFailedLog(t *testing.T) {
	f := newFixture(t, Options{})
	f.fs.SetRule(failing(logWrite, 0))
	f.must(f.Put([]byte("a"), []byte("1"), Deferred))
	expect(t, "a strict write", f.Put([]byte("b"), nil, Strict), errInjected)
	f.holds(f, "a=1")
	// The log is not needed: what it should have held goes into a table.
	f.must(f.Sync(Strict))
	f.crash()
	f.holds(f, "a=1")
}

func TestLogThatCannotBeCreatedFailsTheWrite(t *testing.T) {
	f := newFixture(t, Options{})
	f.fs.SetRule(failing(onKind(base.FileLog, faultfs.Create), 0))
	expect(t, "the first write", f.Put([]byte("a"), []byte("1"), Deferred), errInjected)
	f.holds(f, "")
	f.fs.SetRule(nil)
	f.put("b=1")
	f.reopen()
	f.holds(f, "b=1")
}

func TestIteratorKeepsItsMomentThoughAWriteFails(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("a=1", "c=1")
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	f.failWrite()
	f.fs.SetRule(nil)
	f.put("b=1")
	if got := entries(it, it.First, it.Next); len(got) != 2 || got[0] != "a=1" || got[1] != "c=1" {
		t.Errorf("the iterator finds %v", got)
	}
}

func TestReadErrorIsReturnedAndPasses(t *testing.T) {
	o := quietOptions()
	o.BlockCacheSize = -1
	f := newFixture(t, o)
	f.put("a=1", "b=1")
	f.must(f.Flush())
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	f.fs.SetRule(failing(faultfs.Kinds(faultfs.ReadAt, faultfs.Open), 0))
	_, err = f.Get(nil, []byte("a"))
	expect(t, "Get", err, errInjected)
	_, err = f.Has([]byte("b"))
	expect(t, "Has", err, errInjected)
	expect(t, "GetMany", f.GetMany([][]byte{{'a'}}, func(int, []byte, bool) { t.Error("visited") }), errInjected)
	if it.First() || it.Valid() {
		t.Error("an iterator stands on a key that it could not read")
	}
	expect(t, "First", it.Error(), errInjected)
	f.fs.SetRule(nil)
	if !it.First() || it.Error() != nil {
		t.Errorf("when the fault has ended: %v", it.Error())
	}
	f.holds(f, "a=1 b=1")
}

func TestMemtableIsNotFlushedBeforeItsLogIsSynced(t *testing.T) {
	f := newFixture(t, quietOptions())
	g, done := f.retireUnsynced("a=1")
	f.flushed()
	if tables := f.names(base.FileTable); len(tables) != 0 {
		t.Errorf("tables %v hold a write that may yet fail", tables)
	}
	f.fs.SetRule(failing(logSync, 0))
	g.open()
	f.must(<-done) // its sync had begun before the fault
	expect(t, "the next write", f.Put([]byte("b"), []byte("1"), Relaxed), errInjected)
	f.fs.SetRule(nil)
	f.must(f.Flush())
	f.crash()
	f.holds(f, "a=1")
}

func TestStalledWriteIsToldWhyThereIsNoRoom(t *testing.T) {
	tables := onKind(base.FileTable, faultfs.Create)
	f := newFixture(t, smallOptions())
	f.fs.SetRule(failing(tables, 0))
	var err error
	for i := 0; err == nil; i++ {
		err = f.Put(numberedKey(i), noise(i, 1000), Relaxed)
	}
	expect(t, "the write that had no room", err, errInjected)
	f.fs.SetRule(nil)
	for i := range 100 {
		f.must(f.Put(numberedKey(i), noise(i, 1000), Relaxed))
	}
}

// The last attempt before a stall may have failed of what is gone: the stall makes another.
func TestStalledWriteIsNotToldOfFailuresBeforeTheStall(t *testing.T) {
	failed := failure{attempt: 7, err: errInjected}
	expect(t, "begun during the stall", failed.since(6), errInjected)
	expect(t, "begun before the stall", failed.since(7), nil)
}

func TestFailedCompactionIsNotTriedWithoutEnd(t *testing.T) {
	f := newFixture(t, Options{L0CompactionFiles: 2})
	f.put("a=1", "z=1")
	f.must(f.Flush())
	f.fs.SetRule(failing(onKind(base.FileTable, faultfs.Create), 1))
	f.put("a=2", "z=2")
	f.must(f.Flush())
	failed := func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.compactErr.err != nil
	}
	await(failed)
	// A few attempts may be under way.
	limit := f.lastAttempt() + 20
	await(func() bool {
		rests := len(f.compactWork) == 0 && parked("compactLoop", "select")
		return rests || f.lastAttempt() > limit
	})
	if n := f.lastAttempt(); n > limit {
		t.Errorf("attempt %d, of at most %d", n, limit)
	}
	f.fs.SetRule(nil)
	f.must(f.Compact(nil, nil))
	f.holds(f, "a=2 z=2")
	if failed() {
		t.Error("compactions hold each other back though the last one succeeded")
	}
}

// manifestSync fails the first sync of a manifest, whose medium keeps what was written.
func manifestSync() faultfs.Rule {
	return faultfs.On(onKind(base.FileManifest, faultfs.Sync), faultfs.Nth(0, faultfs.Fault{Err: errInjected, KeepTail: true}))
}

// editsOfContents are what changes the store's contents by an edit of its manifest alone.
var editsOfContents = map[string]func(f *fixture) error{
	"ingest": func(f *fixture) error {
		return f.Ingest(func(yield func(key, value []byte) bool) { yield([]byte("n"), []byte("failed")) })
	},
	"delete range": func(f *fixture) error { return f.DeleteRange([]byte("a"), []byte("c"), Strict) },
}

// failEdit makes an edit fail that the manifest holds all the same.
func failEdit(t *testing.T, edit func(f *fixture) error) *fixture {
	f := newFixture(t, Options{})
	f.put("a=1", "b=1")
	f.must(f.Compact(nil, nil))
	f.fs.SetRule(manifestSync())
	expect(t, "the edit", edit(f), errInjected)
	f.holds(f, "a=1 b=1")
	return f
}

func TestFailedEditIsNotRecoveredWithLaterWrites(t *testing.T) {
	for name, edit := range editsOfContents {
		for _, d := range []Durability{Strict, Relaxed, Deferred} {
			t.Run(fmt.Sprint(name, " ", d), func(t *testing.T) {
				f := failEdit(t, edit)
				f.must(f.Put([]byte("z"), []byte("1"), d))
				f.holds(f, "a=1 b=1 z=1")
				f.reopen()
				f.holds(f, "a=1 b=1 z=1")
			})
		}
	}
}

func TestFailedEditIsUndoneBySyncAndClose(t *testing.T) {
	for name, edit := range editsOfContents {
		t.Run(name+", sync", func(t *testing.T) {
			f := failEdit(t, edit)
			f.must(f.Sync(Relaxed))
			f.killed()
			f.holds(f, "a=1 b=1")
		})
		t.Run(name+", close", func(t *testing.T) {
			f := failEdit(t, edit)
			f.reopen()
			f.holds(f, "a=1 b=1")
		})
	}
}

func TestNoWriteIsTakenWhileAFailedEditMayBeRecovered(t *testing.T) {
	for name, edit := range editsOfContents {
		t.Run(name, func(t *testing.T) {
			f := failEdit(t, edit)
			f.fs.SetRule(failing(onKind(base.FileManifest, faultfs.Create), 0))
			expect(t, "a write", f.Put([]byte("z"), []byte("1"), Deferred), errInjected)
			var b Batch
			f.must(b.Put([]byte("z"), []byte("1")))
			expect(t, "a write that can't wait", f.TryApply(&b, Relaxed, nil), ErrWouldWait)
			f.holds(f, "a=1 b=1")
			f.fs.SetRule(nil)
			f.must(f.Put([]byte("z"), []byte("1"), Strict))
			f.crash()
			f.holds(f, "a=1 b=1 z=1")
		})
	}
}
