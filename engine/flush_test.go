package engine

import (
	"bytes"
	"slices"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

// waitingMemtables fills memtables, with writes that are durable, until as many wait to be flushed as
// may. Nothing flushes them before it returns. It returns what the store holds.
func (f *fixture) waitingMemtables() (want string) {
	f.t.Helper()
	f.flushMu.Lock()
	defer f.flushMu.Unlock()
	for i := 0; len(f.state.Load().memtables) <= maxImmutables; i++ {
		f.must(f.Put(numberedKey(i), noise(i, 500), Deferred))
	}
	f.must(f.Sync(Strict))
	return f.dump(f)
}

// The logs of the memtables that still wait are needed.
func TestCrashBetweenTwoFlushesLosesNothing(t *testing.T) {
	o := quietOptions()
	o.MemtableSize = 8 << 10
	f := newFixture(t, o)
	f.fs.SetRule(failing(onKind(base.FileTable, faultfs.Create), 1))
	want := f.waitingMemtables()
	expect(t, "Flush", f.Flush(), errInjected)
	if n := f.Metrics().Flushes; n != 1 {
		t.Fatalf("%d flushes, want the first", n)
	}
	f.crash()
	f.holds(f, want)
}

func TestArenaOfAFlushedMemtableIsFreeWhenNobodyReadsIt(t *testing.T) {
	f := newFixture(t, quietOptions())
	// An arena is given up if something in the background holds the lock just then.
	for try := 0; ; try++ {
		if try == 100 {
			t.Fatal("no arena became free")
		}
		f.put("a=1")
		m := f.state.Load().memtables[0]
		it, err := f.NewIterator(IterOptions{})
		f.must(err)
		f.must(f.Flush())
		if f.isFree(m) {
			t.Error("an arena is free that an iterator reads")
		}
		f.must(it.Close())
		if f.isFree(m) {
			return
		}
	}
}

// isFree reports whether the memtable's arena may be that of another.
func (f *fixture) isFree(m *memtableRef) bool {
	return f.locked(func() bool {
		return slices.ContainsFunc(f.arenas, func(arena []byte) bool { return &arena[0] == &m.arena[0] })
	})
}

func TestBatchThatIsLargerThanAMemtableTakesNoFreeArena(t *testing.T) {
	f := newFixture(t, smallOptions())
	f.locked(func() bool {
		f.arenas = [][]byte{make([]byte, f.opts.MemtableSize)}
		return true
	})
	large := noise(1, 2*f.opts.MemtableSize)
	f.must(f.Put([]byte("a"), large, Strict))
	if got, err := f.Get(nil, []byte("a")); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestArenaOfALargeBatchIsNotKept(t *testing.T) {
	f := newFixture(t, smallOptions())
	for range 20 { // each time it might have been given up for the lock's sake
		f.must(f.Put([]byte("a"), noise(1, 2*f.opts.MemtableSize), Relaxed))
		f.must(f.Flush())
		f.locked(func() bool {
			for _, arena := range f.arenas {
				if len(arena) != f.opts.MemtableSize {
					t.Errorf("%d bytes are kept, a memtable has %d", len(arena), f.opts.MemtableSize)
				}
			}
			return true
		})
	}
}

// Whoever led has gone, and nobody writes.
func TestFullMemtableIsFlushedThoughNothingFollowsInTheLog(t *testing.T) {
	f := newFixture(t, quietOptions())
	g, done := f.retireUnsynced("a=1")
	g.open()
	f.must(<-done)
	await(func() bool { return f.Metrics().Flushes == 1 })
	f.holds(f, "a=1")
}
