package engine

import (
	"errors"
	"slices"
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

func TestTryGetManyReadsMemoryOnly(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "c=3")
	f.must(f.Flush())
	f.put("b=2", "d=4")
	f.del("d")
	keys := [][]byte{[]byte("c"), []byte("b"), {}, []byte("d"), []byte("a"), []byte("b")}
	check := func(r reader, want ...any) {
		t.Helper()
		before, i := len(f.fs.Ops()), 0
		r.TryGetMany(keys, func(value []byte, err error) {
			if wanted, fails := want[i].(error); fails {
				expect(t, string(keys[i]), err, wanted)
			} else if err != nil || string(value) != want[i] {
				t.Errorf("%s: %q, %v, want %v", keys[i], value, err, want[i])
			}
			i++
		})
		if i != len(keys) || len(f.fs.Ops()) != before {
			t.Errorf("%d of %d keys were visited, and it made %v", i, len(keys), f.fs.Ops()[before:])
		}
	}
	check(f, ErrWouldWait, "2", ErrInvalidArgument, ErrNotFound, ErrWouldWait, "2")
	snapshot, err := f.NewSnapshot()
	f.must(err)
	if _, err := f.Get(nil, []byte("a")); err != nil {
		t.Fatal(err)
	}
	f.put("a=5", "b=6")
	check(f, "3", "6", ErrInvalidArgument, ErrNotFound, "5", "6")
	check(snapshot, "3", "2", ErrInvalidArgument, ErrNotFound, "1", "2")
	f.must(snapshot.Close())
	check(snapshot, ErrClosed, ErrClosed, ErrClosed, ErrClosed, ErrClosed, ErrClosed)
	f.must(f.Close())
	check(f, ErrClosed, ErrClosed, ErrClosed, ErrClosed, ErrClosed, ErrClosed)
}

func TestIteratorThatTriesReadsMemoryOnlyUntilItMayWait(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(100, 100)
	f.must(f.Compact(nil, nil))
	f.put("key000000=new")
	f.reopen()
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	it.Try(true)
	movers := map[string]func() bool{
		"First": it.First, "Last": it.Last,
		"SeekGE": func() bool { return it.SeekGE(numberedKey(50)) },
		"SeekLT": func() bool { return it.SeekLT(numberedKey(50)) },
	}
	try := func(when string) {
		t.Helper()
		before := len(f.fs.Ops())
		for name, move := range movers {
			if move() || it.Valid() {
				t.Errorf("%s, %s: it stands on %s", when, name, it.Key())
			}
			expect(t, when+", "+name, it.Error(), ErrWouldWait)
		}
		if ops := f.fs.Ops()[before:]; len(ops) > 0 {
			t.Errorf("%s: it made %v", when, ops)
		}
	}
	try("while the table is not open")
	if _, err := f.Has([]byte("key000050x")); err != nil { // opens it; the filter has no such key
		t.Fatal(err)
	}
	try("while no block is in memory")

	it.Try(false)
	all := entries(it, it.First, it.Next)
	if len(all) != 100 || it.Error() != nil {
		t.Fatalf("waiting, it finds %d keys, %v", len(all), it.Error())
	}
	it.Try(true)
	before := len(f.fs.Ops())
	tried := entries(it, it.First, it.Next)
	if !slices.Equal(tried, all) || it.Error() != nil || len(f.fs.Ops()) != before {
		t.Errorf("of memory, it finds %d keys, %v, and made %v", len(tried), it.Error(), f.fs.Ops()[before:])
	}
}

func TestIteratorThatTriesFailsInTheMiddleAndGoesOnWhenItMayWait(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(100, 100)
	f.must(f.Compact(nil, nil))
	f.reopen()
	if _, err := f.Get(nil, numberedKey(0)); err != nil {
		t.Fatal(err)
	}
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	it.Try(true)
	some := entries(it, it.First, it.Next)
	expect(t, "behind the first block", it.Error(), ErrWouldWait)
	if len(some) == 0 || len(some) == 100 {
		t.Fatalf("it found %d keys", len(some))
	}
	it.Try(false)
	if !it.SeekGE(numberedKey(len(some))) || string(it.Key()) != string(numberedKey(len(some))) {
		t.Errorf("waiting, it goes on at %t, %v", it.Valid(), it.Error())
	}
}
