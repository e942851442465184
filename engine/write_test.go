package engine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
)

var (
	logWrite = onKind(base.FileLog, faultfs.Write)
	logSync  = onKind(base.FileLog, faultfs.Sync)
)

func TestWriteIsReadBeforeItIsAcknowledged(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("a=old")
	g := f.hold(logSync)
	acknowledged := make(chan error, 1)
	go func() { acknowledged <- f.Put([]byte("a"), []byte("new"), Strict) }()
	<-g.reached
	f.holds(f, "a=new")
	s, err := f.NewSnapshot()
	f.must(err)
	f.holds(s, "a=new")
	f.must(s.Close())
	select {
	case err := <-acknowledged:
		t.Errorf("acknowledged before the log was synced: %v", err)
	default:
	}
	g.open()
	f.must(<-acknowledged)
}

func TestWritesThatWaitShareASync(t *testing.T) {
	const writers = 50
	f := newFixture(t, Options{})
	f.put("warm=1")
	before := f.count(logSync)
	g := f.hold(logSync)
	var wg sync.WaitGroup
	write := func(i int) {
		wg.Go(func() {
			if err := f.Put(numberedKey(i), nil, Relaxed); err != nil {
				t.Error(err)
			}
		})
	}
	write(0)
	<-g.reached
	for i := 1; i < writers; i++ {
		write(i)
	}
	await(func() bool { return f.Metrics().LastSeq == 1+writers })
	g.open()
	wg.Wait()
	if syncs := f.count(logSync) - before; syncs != 2 {
		t.Errorf("%d syncs, want one for the first write and one for all others", syncs)
	}
}

func TestGroupIsSyncedAsItsMostDemandingWriteWants(t *testing.T) {
	for _, c := range []struct {
		waiting []Durability
		want    vfs.Durability
	}{
		{[]Durability{Relaxed}, vfs.Relaxed},
		{[]Durability{Strict}, vfs.Strict},
		{[]Durability{Relaxed, Strict, Relaxed}, vfs.Strict},
		{[]Durability{Relaxed, Relaxed}, vfs.Relaxed},
	} {
		f := newFixture(t, Options{})
		g := f.hold(logSync)
		var wg sync.WaitGroup
		wg.Go(func() { f.put("first=1") })
		<-g.reached
		for i, d := range c.waiting {
			wg.Go(func() {
				if err := f.Put(numberedKey(i), nil, d); err != nil {
					t.Error(err)
				}
			})
		}
		await(func() bool { return f.Metrics().LastSeq == uint64(1+len(c.waiting)) })
		g.open()
		wg.Wait()
		ops := f.fs.Ops()
		if last := ops[len(ops)-1]; last.Kind != faultfs.Sync || last.Durability != c.want {
			t.Errorf("%v: %v", c.waiting, last)
		}
	}
}

func TestDeferredWriteIsAcknowledgedFromMemory(t *testing.T) {
	f := newFixture(t, Options{})
	g := f.hold(logWrite)
	f.must(f.Put([]byte("a"), []byte("1"), Deferred))
	f.holds(f, "a=1")
	<-g.reached
	g.open()
	f.must(f.Sync(Relaxed))
}

func TestDeferredWriteIsLoggedByItself(t *testing.T) {
	f := newFixture(t, Options{})
	f.must(f.Put([]byte("a"), []byte("1"), Deferred))
	await(func() bool { return f.count(logSync) > 0 })
}

func TestDeferredWritesAreDurableWithWhatFollowsThem(t *testing.T) {
	for name, follow := range map[string]func(f *fixture) error{
		"a strict write": func(f *fixture) error { return f.Put([]byte("z"), nil, Strict) },
		"Sync":           func(f *fixture) error { return f.Sync(Strict) },
		"Flush":          func(f *fixture) error { return f.Flush() },
	} {
		f := newFixture(t, Options{})
		f.must(f.Put([]byte("a"), []byte("1"), Deferred))
		f.must(follow(f))
		f.crash()
		if got, err := f.Get(nil, []byte("a")); err != nil || string(got) != "1" {
			t.Errorf("%s: after a crash: %q, %v", name, got, err)
		}
	}
}

func TestDeferredWritesThatFillMemtablesAreFlushed(t *testing.T) {
	f := newFixture(t, smallOptions())
	f.load(200, 1000)
	f.must(f.Sync(Strict))
	f.crash()
	for i := range 200 {
		if _, err := f.Get(nil, numberedKey(i)); err != nil {
			t.Fatalf("%s: %v", numberedKey(i), err)
		}
	}
}

func TestSyncCannotBeDeferred(t *testing.T) {
	f := newFixture(t, Options{})
	expect(t, "Sync(Deferred)", f.Sync(Deferred), ErrInvalidArgument)
}

func TestApplyAsyncTellsTheOutcomeLater(t *testing.T) {
	for _, d := range []Durability{Strict, Relaxed, Deferred} {
		f := newFixture(t, Options{})
		done := make(chan error, 3)
		for i := range 3 {
			var b Batch
			f.must(b.Put(fmt.Appendf(nil, "k%d", i), []byte("v")))
			f.must(f.ApplyAsync(&b, d, func(err error) { done <- err }))
			b.Reset()
		}
		f.holds(f, "k0=v k1=v k2=v")
		for range 3 {
			f.must(<-done)
		}
	}
}

func TestRelaxedWritesBeforeAFullMemtableAreStrictBehindIt(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	ops := f.fs.Ops()
	tables := 0
	for i, op := range ops {
		if op.Kind == faultfs.Create && onKind(base.FileTable, faultfs.Create)(op) {
			tables++
			if last := lastSync(ops[:i]); !logSync(last) || last.Durability != vfs.Strict {
				t.Errorf("before %v: %v", op, last)
			}
		}
	}
	if tables != 1 {
		t.Errorf("%d tables", tables)
	}
}

func lastSync(ops []faultfs.Op) (last faultfs.Op) {
	for _, op := range ops {
		if op.Kind == faultfs.Sync {
			last = op
		}
	}
	return last
}

func TestWriteBehindTheLastSequenceNumberIsNotLogged(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.mu.Lock()
	f.lastSeq = base.MaxSeq
	f.mu.Unlock()
	if err := f.Put([]byte("b"), nil, Strict); err == nil {
		t.Error("a write was taken that no manifest can count")
	}
	f.reopen()
	f.holds(f, "a=1")
}
