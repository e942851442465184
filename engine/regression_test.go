package engine

import (
	"errors"
	"math"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
)

func (f *fixture) background(do func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	return done
}

func (f *fixture) locked(condition func() bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return condition()
}

func TestIngestIsOlderThanWritesMadeWhileItWaits(t *testing.T) {
	o := quietOptions()
	o.MemtableSize = 8 << 10
	f := newFixture(t, o)
	f.put("a=0")
	g := f.hold(onKind(base.FileTable, faultfs.Sync))
	done := f.background(func() error { return f.Ingest(pairs("a", "1", "b", "1")) })
	<-g.reached // Ingest flushes what is older than it
	f.must(f.Put([]byte("a"), []byte("2"), Deferred))
	f.load(80, 100)
	await(func() bool { return f.locked(func() bool { return len(f.logs) == 1 }) })
	g.open()
	f.must(<-done)
	for key, want := range map[string]string{"a": "2", "b": "1"} {
		if got, err := f.Get(nil, []byte(key)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v, want %q", key, got, err, want)
		}
	}
}

func TestDeleteRangeHoldsSnapshotsOffWhileItDropsTables(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(200, 200)
	f.must(f.Compact(nil, nil))
	g := f.hold(onKind(base.FileTable, faultfs.Create))
	done := f.background(func() error { return f.DeleteRange(numberedKey(1), numberedKey(199), Relaxed) })
	<-g.reached
	s, err := f.TrySnapshot()
	expect(t, "TrySnapshot", err, ErrWouldWait)
	if err == nil {
		f.must(s.Close())
	}
	taken := f.background(func() error {
		s, err := f.NewSnapshot()
		if err != nil {
			return err
		}
		return s.Close()
	})
	await(func() bool { return parked("NewSnapshot", "chan receive") || len(taken) > 0 })
	if len(taken) > 0 {
		t.Error("NewSnapshot did not wait")
	}
	g.open()
	f.must(<-done)
	f.must(<-taken)
	f.must(f.trySnapshot().Close())
}

func TestDeferredWriteIsLoggedThoughItsTimeCameDuringACommit(t *testing.T) {
	f := newFixture(t, quietOptions())
	g := f.hold(logSync)
	done := f.background(func() error { return f.Put([]byte("a"), nil, Relaxed) })
	<-g.reached
	f.must(f.Put([]byte("b"), nil, Deferred))
	await(func() bool { return f.locked(func() bool { return f.deferred == nil }) })
	g.open()
	f.must(<-done)
	if f.locked(func() bool { return len(f.logs[0].pending) > 0 && !f.leading && f.deferred == nil }) {
		t.Error("nobody is going to log the deferred write")
	}
}

func TestClosedStoreFlushesAndCompactsNoMore(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	f.put("b=1")
	f.mu.Lock()
	f.retireMutableLocked(0)
	f.mu.Unlock()
	f.must(f.Close())
	// What passed the first check for a closed store before Close comes here behind it.
	begun := len(f.fs.Ops())
	f.flushMu.Lock()
	expect(t, "the flush", f.flushReady(newest), ErrClosed)
	f.flushMu.Unlock()
	_, _, err := f.tryPiece(func(v *manifest.Version) *compact.Compaction {
		return compact.PickRange(v, 0, nil, nil, f.limits())
	})
	expect(t, "the compaction", err, ErrClosed)
	if ops := f.fs.Ops()[begun:]; len(ops) > 0 {
		t.Errorf("a closed store still does %v", ops)
	}
}

func TestFirstWriteMeetsSyncs(t *testing.T) {
	for range 50 {
		f := newFixture(t, quietOptions())
		syncs := f.background(func() error {
			for range 50 {
				if err := f.Sync(Relaxed); err != nil {
					return err
				}
			}
			return nil
		})
		await(func() bool { return f.locked(func() bool { return f.leading }) || len(syncs) > 0 })
		f.put("a=1")
		f.must(<-syncs)
		f.must(f.Close())
	}
}

func TestIngestSucceedsWhenTheCauseOfAFailedLogIsGone(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.fs.SetRule(failing(faultfs.Kinds(faultfs.Sync), 0))
	expect(t, "Put", f.Put([]byte("a"), []byte("2"), Relaxed), errInjected)
	await(func() bool { return f.locked(func() bool { return f.flushErr.err != nil }) })
	f.fs.SetRule(nil)
	f.must(f.Ingest(pairs("b", "1")))
	f.holds(f, "a=1 b=1")
}

func TestWorkThatCloseInterruptsFailsAsClosed(t *testing.T) {
	for name, do := range map[string]func(f *fixture) error{
		"Flush":   func(f *fixture) error { return f.Flush() },
		"Compact": func(f *fixture) error { return f.Compact(nil, nil) },
		"Ingest":  func(f *fixture) error { return f.Ingest(pairs("b", "1")) },
	} {
		f := newFixture(t, quietOptions())
		f.load(300, 10)
		g := f.hold(onKind(base.FileTable, faultfs.Create))
		done := f.background(func() error { return do(f) })
		<-g.reached
		closed := f.background(f.Close)
		await(f.isClosing)
		g.open()
		expect(t, name, <-done, ErrClosed)
		f.must(<-closed)
	}
}

func TestReadThatOutlivesCloseLeavesNoFileOpen(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	f.reopen()
	begun := len(f.fs.Ops())
	opens, closes := onKind(base.FileTable, faultfs.Open), onKind(base.FileTable, faultfs.CloseReader)
	g := f.hold(opens)
	done := f.background(func() error {
		_, err := f.Has([]byte("a"))
		return err
	})
	<-g.reached
	f.must(f.Close())
	g.open()
	f.must(<-done)
	left := 0
	for _, op := range f.fs.Ops()[begun:] {
		if opens(op) {
			left++
		} else if closes(op) {
			left--
		}
	}
	if left != 0 {
		t.Errorf("%d tables are still open", left)
	}
}

func TestFileNumbersBeyondCountingAreOfOthers(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Close())
	w, err := f.medium.Create("18446744073709551615.ldb")
	f.must(err)
	f.must(w.Close())
	f.open()
	f.must(f.Put([]byte("b"), []byte("1"), Strict))
	f.crash()
	f.holds(f, "a=1 b=1")
}

func TestSizesThatCannotWorkAreRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"a memtable that holds nothing":          {MemtableSize: 1},
		"a table size whose tenfold overflows":   {TableSize: math.MaxInt},
		"a level size whose hundredfold does so": {BaseLevelSize: math.MaxInt64},
	} {
		_, err := o.withDefaults()
		expect(t, name, err, ErrInvalidArgument)
	}
}

func TestLogWithoutRecordsGoesWithTheNextFlush(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.must(f.Close())
	w, err := f.medium.Create("000090.log")
	f.must(err)
	f.must(errors.Join(w.Sync(vfs.Strict), w.Close()))
	f.open()
	f.put("a=1")
	f.must(f.Flush())
	f.put("a=2")
	if logs := f.names(base.FileLog); len(logs) != 1 {
		t.Errorf("logs %v, want one", logs)
	}
}

func TestDamagedStorageIsCorruption(t *testing.T) {
	for _, kind := range []base.FileKind{base.FileLog, base.FileManifest, base.FileCurrent} {
		f := newFixture(t, quietOptions())
		f.put("a=1")
		f.must(f.Close())
		f.fs.SetRule(faultfs.On(onKind(kind, faultfs.ReadAt), faultfs.From(0, faultfs.Fault{Err: vfs.ErrDamaged})))
		_, err := Open(f.fs, &f.options)
		var corruption *CorruptionError
		if !errors.As(err, &corruption) {
			t.Errorf("files of kind %d: %v", kind, err)
		}
	}
}

func TestBatchHasNoMoreEntriesThanAMemtableCanAddress(t *testing.T) {
	b := Batch{count: maxBatchCount - 1}
	if err := b.Put([]byte("a"), nil); err != nil {
		t.Fatal(err)
	}
	expect(t, "one more", b.Delete([]byte("a")), ErrInvalidArgument)
}

// killed goes on with what the end of the process leaves of the store.
func (f *fixture) killed() {
	f.t.Helper()
	f.medium = f.medium.Clone()
	f.must(f.Close())
	f.fs = faultfs.New(f.medium, nil)
	f.open()
}

func TestStrictSyncCoversRelaxedWritesOfBeforeTheProcessWasKilled(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.killed()
	f.must(f.Sync(Strict))
	f.crash()
	f.holds(f, "a=1")
}

func TestFlushThatFailsLeavesRelaxedWritesToTheNextStrictSync(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.killed()
	f.fs.SetRule(failing(onKind(base.FileTable, faultfs.Create), 0))
	expect(t, "Flush", f.Flush(), errInjected)
	f.must(f.Sync(Strict))
	f.crash()
	f.holds(f, "a=1")
}
