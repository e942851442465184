package engine

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

func TestCloseSavesDeferredWrites(t *testing.T) {
	f := newFixture(t, Options{})
	f.must(f.Put([]byte("a"), []byte("1"), Deferred))
	f.must(f.Close())
	f.crash()
	f.holds(f, "a=1")
}

func TestClosedStoreRefusesEverything(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	s, err := f.NewSnapshot()
	f.must(err)
	f.must(s.Close())
	f.must(f.Close())
	key := []byte("a")
	var b Batch
	f.must(b.Put(key, nil))
	done := func(error) { t.Error("done was called") }
	calls := map[string]error{
		"Put":         f.Put(key, nil, Deferred),
		"Delete":      f.Delete(key, Strict),
		"Apply":       f.Apply(&b, Relaxed),
		"TryApply":    f.TryApply(&b, Relaxed, done),
		"ApplyAsync":  f.ApplyAsync(&b, Relaxed, done),
		"DeleteRange": f.DeleteRange(nil, nil, Relaxed),
		"Ingest":      f.Ingest(func(func(key, value []byte) bool) {}),
		"GetMany":     f.GetMany([][]byte{key}, nil),
		"Sync":        f.Sync(Strict),
		"Flush":       f.Flush(),
		"Compact":     f.Compact(nil, nil),
		"Close":       f.Close(),
	}
	_, calls["Get"] = f.Get(nil, key)
	_, calls["TryGet"] = f.TryGet(nil, key)
	_, calls["Has"] = f.Has(key)
	_, calls["NewIterator"] = f.NewIterator(IterOptions{})
	_, calls["NewSnapshot"] = f.NewSnapshot()
	_, calls["TrySnapshot"] = f.TrySnapshot()
	_, calls["Snapshot.Get"] = s.Get(nil, key)
	_, calls["Verify"] = f.Verify()
	for call, err := range calls {
		expect(t, call, err, ErrClosed)
	}
}

func TestCloseTellsWhatIsStillOpen(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	s, err := f.NewSnapshot()
	f.must(err)
	second, err := f.NewSnapshot()
	f.must(err)
	im, err := f.NewImage()
	f.must(err)
	if err := f.Close(); err == nil || !strings.HasSuffix(err.Error(), "still open: 1 iterator, 1 image, 2 snapshots") {
		t.Errorf("Close: %v", err)
	}
	if it.First() {
		t.Error("an iterator of a closed store moves")
	}
	expect(t, "the iterator", it.Error(), ErrClosed)
	_, err = s.Get(nil, []byte("a"))
	expect(t, "the snapshot", err, ErrClosed)
	f.must(errors.Join(it.Close(), s.Close(), second.Close(), im.Close()))
	f.open()
	f.holds(f, "a=1")
}

func TestCloseReportsWhatItCouldNotSave(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.fs.SetRule(failing(faultfs.Kinds(faultfs.Sync), 0))
	f.must(f.Put([]byte("b"), []byte("1"), Deferred))
	expect(t, "Close", f.Close(), errInjected)
	f.fs.SetRule(nil)
	f.open()
	f.holds(f, "a=1")
}

func TestCloseEndsBackgroundWork(t *testing.T) {
	f := newFixture(t, smallOptions())
	f.load(300, 500)
	f.must(f.Close())
	ops := f.fs.Ops()
	if last := ops[len(ops)-1]; last.Kind != faultfs.Unlock {
		t.Errorf("the last operation: %v", last)
	}
	runtime.Gosched()
	if more := f.fs.Ops()[len(ops):]; len(more) > 0 {
		t.Errorf("after Close: %v", more)
	}
}

func TestWritersDuringCloseAreAcknowledgedOrRefused(t *testing.T) {
	f := newFixture(t, smallOptions())
	var wg sync.WaitGroup
	var mu sync.Mutex
	acknowledged := map[int]bool{}
	for writer := range 4 {
		wg.Go(func() {
			for i := writer; ; i += 4 {
				err := f.Put(numberedKey(i), noise(i, 200), Relaxed)
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("write %d: %v", i, err)
					}
					return
				}
				mu.Lock()
				acknowledged[i] = true
				mu.Unlock()
			}
		})
	}
	await(func() bool { return f.Metrics().Flushes > 2 })
	f.must(f.Close())
	wg.Wait()
	f.open()
	for i := range acknowledged {
		if got, err := f.Get(nil, numberedKey(i)); err != nil || string(got) != string(noise(i, 200)) {
			t.Fatalf("acknowledged write %d: %v", i, err)
		}
	}
}

func TestCloseDoesNotFlush(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Close())
	if tables := f.names(base.FileTable); len(tables) != 0 {
		t.Errorf("tables %v", tables)
	}
	f.open()
	f.holds(f, "a=1")
}

func TestNoCompactionBeginsBehindClose(t *testing.T) {
	f := newFixture(t, quietOptions())
	db := f.DB
	f.must(f.Close())
	_, err := db.compactOnce()
	expect(t, "compactOnce", err, ErrClosed)
}

func TestSyncBehindACloseThatCouldNotUndoAFailedEdit(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	edits := onKind(base.FileManifest, faultfs.Create, faultfs.Write, faultfs.Sync)
	f.fs.SetRule(faultfs.On(edits, faultfs.From(0, faultfs.Fault{Err: errInjected})))
	expect(t, "Ingest", f.Ingest(pairs("b", "1")), errInjected)
	expect(t, "Close", f.Close(), errInjected)
	expect(t, "Sync", f.Sync(Strict), ErrClosed)
}

// A leader calls the done functions of a group when the group is durable.
func TestCloseWaitsForWhoeverIsToldOfAWrite(t *testing.T) {
	f := newFixture(t, quietOptions())
	g := f.hold(logSync)
	var b Batch
	f.must(b.Put([]byte("a"), nil))
	f.must(f.ApplyAsync(&b, Relaxed, func(error) {})) // its leader stays the leader
	<-g.reached
	told, goOn := make(chan struct{}), make(chan struct{})
	f.must(f.ApplyAsync(&b, Relaxed, func(error) {
		close(told)
		<-goOn
	}))
	closed := f.background(f.Close)
	await(func() bool { return parked("endWrites", "chan receive") })
	g.open()
	<-told
	await(func() bool { return parked("awaitLeader", "chan receive") || len(closed) > 0 })
	if len(closed) > 0 {
		t.Error("Close did not wait")
	}
	close(goOn)
	f.must(<-closed)
}
