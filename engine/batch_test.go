package engine

import (
	"bytes"
	"testing"
)

func TestBatchIsAppliedInItsOrder(t *testing.T) {
	f := newFixture(t, Options{})
	f.put("gone=1", "kept=1")
	var b Batch
	f.must(b.Put([]byte("a"), []byte("first")))
	f.must(b.Put([]byte("a"), []byte("second")))
	f.must(b.Delete([]byte("gone")))
	f.must(b.Put([]byte("back"), []byte("1")))
	f.must(b.Delete([]byte("back")))
	f.must(b.Delete([]byte("never there")))
	f.must(f.Apply(&b, Relaxed))
	f.holds(f, "a=second kept=1")
	f.reopen()
	f.holds(f, "a=second kept=1")
}

func TestLongBatchIsAppliedInItsOrder(t *testing.T) {
	f := newFixture(t, Options{})
	var b Batch
	for i := range 3 * sortFrom {
		f.must(b.Put([]byte{'z' - byte(i%5)}, []byte{'A' + byte(i)}))
	}
	f.must(f.Apply(&b, Relaxed))
	f.holds(f, "v=T w=X x=W y=V z=U")
}

func TestEmptyBatchDoesNothing(t *testing.T) {
	f := newFixture(t, Options{})
	var b Batch
	for _, d := range []Durability{Strict, Relaxed, Deferred} {
		f.must(f.Apply(&b, d))
	}
	done := make(chan error, 1)
	f.tryApply(&b, Strict, func(err error) { done <- err })
	f.must(<-done)
	if m := f.Metrics(); m.LastSeq != 0 || m.LogBytes != 0 {
		t.Errorf("empty batches took %d sequence numbers and %d bytes of log", m.LastSeq, m.LogBytes)
	}
}

func TestBatchCountsItsEntriesAndBytes(t *testing.T) {
	var b Batch
	if b.Count() != 0 || b.Len() != batchHeaderLen {
		t.Errorf("empty: %d entries, %d bytes", b.Count(), b.Len())
	}
	for range 2 {
		if err := b.Put([]byte("key"), []byte("value")); err != nil {
			t.Fatal(err)
		}
		if err := b.Delete([]byte("key")); err != nil {
			t.Fatal(err)
		}
		if want := batchHeaderLen + (1 + 1 + 3 + 1 + 5) + (1 + 1 + 3); b.Count() != 2 || b.Len() != want {
			t.Errorf("%d entries, %d bytes, want 2, %d", b.Count(), b.Len(), want)
		}
		b.Reset()
	}
}

func TestBatchKeepsNoSliceOfItsCaller(t *testing.T) {
	f := newFixture(t, Options{})
	key, value := []byte("key"), []byte("value")
	var b Batch
	f.must(b.Put(key, value))
	copy(key, "zzz")
	copy(value, "zzzzz")
	f.must(f.Apply(&b, Relaxed))
	b.Reset()
	f.must(b.Put([]byte("YYY"), []byte("YYYYY")))
	f.holds(f, "key=value")
}

func TestKeysAndValuesHaveLimits(t *testing.T) {
	f := newFixture(t, Options{})
	longest, tooLong := bytes.Repeat([]byte{'k'}, MaxKeyLen), bytes.Repeat([]byte{'k'}, MaxKeyLen+1)
	var b Batch
	refused := map[string]error{
		"put of an empty key":          b.Put(nil, []byte("v")),
		"put of an oversized key":      b.Put(tooLong, []byte("v")),
		"put of an oversized value":    b.Put([]byte("k"), make([]byte, MaxValueLen+1)),
		"deletion of an empty key":     b.Delete([]byte{}),
		"deletion of an oversized key": b.Delete(tooLong),
		"DB.Put of an empty key":       f.Put(nil, nil, Relaxed),
		"DB.Delete of an empty key":    f.Delete(nil, Relaxed),
		"DB.GetMany of an empty key":   f.GetMany([][]byte{{'a'}, {}}, func(int, []byte, bool) {}),
	}
	_, refused["DB.Get of an empty key"] = f.Get(nil, nil)
	_, refused["DB.TryGet of an oversized key"] = f.TryGet(nil, tooLong)
	_, refused["DB.Has of an oversized key"] = f.Has(tooLong)
	for call, err := range refused {
		expect(t, call, err, ErrInvalidArgument)
	}
	if b.Count() != 0 {
		t.Errorf("refused calls left %d entries", b.Count())
	}
	f.must(f.Put(longest, nil, Relaxed))
	f.must(f.Flush())
	if got, err := f.Get(nil, longest); err != nil || len(got) != 0 {
		t.Errorf("longest key: %q, %v", got, err)
	}
}

func TestBatchLargerThanTheMemtableIsApplied(t *testing.T) {
	f := newFixture(t, smallOptions())
	f.put("a=1")
	value := noise(1, 10*f.options.MemtableSize)
	f.must(f.Put([]byte("large"), value, Relaxed))
	f.put("z=1")
	for range 2 {
		if got, err := f.Get(nil, []byte("large")); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		f.reopen()
	}
}
