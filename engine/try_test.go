package engine

import (
	"errors"
	"testing"
)

func TestTryGetReadsMemoryOnly(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=1")
	f.must(f.Flush())
	f.put("b=2")
	if got, err := f.TryGet(nil, []byte("b")); err != nil || string(got) != "2" {
		t.Errorf("of the memtable: %q, %v", got, err)
	}
	before := len(f.fs.Ops())
	got, err := f.TryGet([]byte("x"), []byte("a"))
	expect(t, "TryGet of a table that is not open", err, ErrWouldWait)
	if string(got) != "x" || len(f.fs.Ops()) != before {
		t.Errorf("it returned %q, and made %v", got, f.fs.Ops()[before:])
	}
	if _, err := f.Get(nil, []byte("a")); err != nil {
		t.Fatal(err)
	}
	before = len(f.fs.Ops())
	if got, err := f.TryGet(nil, []byte("a")); err != nil || string(got) != "1" {
		t.Errorf("of a cached block: %q, %v", got, err)
	}
	_, err = f.TryGet(nil, []byte("ab"))
	expect(t, "TryGet of what the filter knows to be missing", err, ErrNotFound)
	if len(f.fs.Ops()) != before {
		t.Errorf("it made %v", f.fs.Ops()[before:])
	}
}

func TestTryMethodsDoNotWaitForTheLock(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	var b Batch
	f.must(b.Put([]byte("b"), []byte("1")))
	never := func(error) { t.Error("done was called") }
	f.mu.Lock()
	_, snapshotErr := f.TrySnapshot()
	applyErr := f.TryApply(&b, Relaxed, never)
	got, getErr := f.TryGet(nil, []byte("a"))
	it, iterErr := f.NewIterator(IterOptions{})
	f.mu.Unlock()
	expect(t, "TrySnapshot", snapshotErr, ErrWouldWait)
	expect(t, "TryApply", applyErr, ErrWouldWait)
	if getErr != nil || string(got) != "1" {
		t.Errorf("TryGet: %q, %v", got, getErr)
	}
	f.must(iterErr)
	if pairs := entries(it, it.First, it.Next); len(pairs) != 1 {
		t.Errorf("an iterator made under the lock finds %v", pairs)
	}
	f.must(it.Close())
	f.holds(f, "a=1")
}

func TestTryApplyIsVisibleAtOnceAndToldLater(t *testing.T) {
	f := newFixture(t, quietOptions())
	g := f.hold(logSync)
	var b Batch
	done := make(chan error, 2)
	f.must(b.Put([]byte("a"), []byte("1")))
	f.tryApply(&b, Strict, func(err error) { done <- err })
	b.Reset()
	f.must(b.Put([]byte("b"), []byte("2")))
	f.tryApply(&b, Deferred, func(err error) { done <- err })
	f.holds(f, "a=1 b=2")
	f.must(<-done) // the deferred one
	<-g.reached
	select {
	case err := <-done:
		t.Errorf("told before the log was synced: %v", err)
	default:
	}
	g.open()
	f.must(<-done)
}

func TestTryApplyTellsOfAFailure(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.fs.SetRule(failing(logSync, 0))
	var b Batch
	f.must(b.Put([]byte("a"), []byte("1")))
	done := make(chan error, 1)
	f.tryApply(&b, Relaxed, func(err error) { done <- err })
	expect(t, "the outcome", <-done, errInjected)
	f.holds(f, "")
	f.fs.SetRule(nil)
	await(func() bool {
		err := f.TryApply(&b, Relaxed, func(err error) { done <- err })
		if err != nil && !errors.Is(err, ErrWouldWait) {
			t.Fatal(err)
		}
		if err != nil {
			// Someone has to wait for the new log.
			f.must(f.Sync(Relaxed))
		}
		return err == nil
	})
	f.must(<-done)
	f.holds(f, "a=1")
}

func TestTryApplyDoesNotWaitForRoom(t *testing.T) {
	f := newFixture(t, smallOptions())
	g := f.hold(logSync)
	applied, done := 0, make(chan error, 1000)
	var err error
	for ; err == nil; applied++ {
		var b Batch
		f.must(b.Put(numberedKey(applied), noise(applied, 1000)))
		err = f.TryApply(&b, Relaxed, func(err error) { done <- err })
	}
	applied--
	expect(t, "TryApply", err, ErrWouldWait)
	if found, err := f.Has(numberedKey(applied)); found || err != nil {
		t.Errorf("the refused write is there: %t, %v", found, err)
	}
	g.open()
	for range applied {
		f.must(<-done)
	}
	if n := f.Metrics().LastSeq; n != uint64(applied) {
		t.Errorf("%d writes, %d were taken", n, applied)
	}
}
