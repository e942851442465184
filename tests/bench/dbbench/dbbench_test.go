package dbbench

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestWorkloadsRunOnVarve(t *testing.T) {
	for _, w := range Workloads() {
		for _, threads := range []int{1, 3} {
			store := &recorder{Store: openVarve(t)}
			c := Config{Num: 2500, ValueSize: 33, Threads: threads}
			check(t, w.Prepare(store, c))
			r, err := w.Run(store, c)
			check(t, err)
			if want := int64(threads * (2500 / w.Divisor)); r.Ops != want {
				t.Errorf("%s by %d threads: %d operations, want %d", w.Name, threads, r.Ops, want)
			}
			if r.Bytes%(keyLen+33) != 0 || r.Bytes > r.Ops*(keyLen+33) {
				t.Errorf("%s: %d bytes", w.Name, r.Bytes)
			}
			if w.loaded != (store.settled == 1) {
				t.Errorf("%s: settled %d times before it ran", w.Name, store.settled)
			}
			if w.beside != nil && store.puts.Load() == 0 {
				t.Errorf("%s: nothing was written beside it", w.Name)
			}
		}
	}
}

// recorder counts what the workloads ask for.
type recorder struct {
	Store
	puts    atomic.Int64 // since the store settled
	settled int
}

func (r *recorder) Put(key, value []byte) error {
	r.puts.Add(1)
	return r.Store.Put(key, value)
}

func (r *recorder) Settle() error {
	r.puts.Store(0)
	r.settled++
	return r.Store.Settle()
}

func TestSameConfigGivesSameWork(t *testing.T) {
	keys := func(c Config) (all []string) {
		w, err := Find("fillrandom")
		check(t, err)
		s := &fake{onPut: func(key, value []byte) error {
			all = append(all, string(key)+string(value))
			return nil
		}}
		_, err = w.Run(s, c)
		check(t, err)
		return all
	}
	first, second := keys(Config{Num: 100, ValueSize: 20}), keys(Config{Num: 100, ValueSize: 20})
	if !slices.Equal(first, second) || len(first) != 100 {
		t.Errorf("%q differs from %q", first, second)
	}
}

func TestKeysAreInTheOrderOfTheirNumbers(t *testing.T) {
	th := newThread(nil, Config{}, 1)
	var previous []byte
	for _, i := range []int{0, 1, 9, 10, 99, 1000, 123_456_789} {
		key := bytes.Clone(th.keyOf(i))
		if len(key) != keyLen || bytes.Compare(previous, key) >= 0 {
			t.Errorf("key %d is %q, behind %q", i, key, previous)
		}
		previous = key
	}
}

func TestWrongAnswersFail(t *testing.T) {
	for _, c := range []struct {
		workload string
		store    fake
		want     string
	}{
		{"readrandom", fake{}, "found: false, but stored: true"},
		{"readrandom", fake{value: []byte("short")}, "value of 5 bytes, 8 were stored"},
		{"readmissing", fake{value: []byte("8 bytes.")}, "found: true, but stored: false"},
		{"readwhilewriting", fake{}, "found: false, but stored: true"},
		{"readseq", fake{}, "0 entries scanned, 10 are stored"},
		{"readreverse", fake{}, "0 entries scanned, 10 are stored"},
		{"seekrandom", fake{}, "nothing is found from"},
		{"fillseq", fake{onPut: func(_, _ []byte) error { return errors.New("full") }}, "fillseq: full"},
	} {
		w, err := Find(c.workload)
		check(t, err)
		if _, err := w.Run(&c.store, Config{Num: 10, ValueSize: 8}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.workload, err, c.want)
		}
	}
}

// fake has value under every key, or nothing.
type fake struct {
	Store
	value []byte
	onPut func(key, value []byte) error
}

func (s *fake) Put(key, value []byte) error {
	if s.onPut == nil {
		return nil
	}
	return s.onPut(key, value)
}

func (s *fake) Get(_, _ []byte) ([]byte, bool, error) { return s.value, s.value != nil, nil }
func (s *fake) NewIterator() (Iterator, error)        { return nowhere{}, nil }

// nowhere is an iterator over nothing.
type nowhere struct{ Iterator }

func (nowhere) First() bool        { return false }
func (nowhere) Last() bool         { return false }
func (nowhere) SeekGE([]byte) bool { return false }
func (nowhere) Error() error       { return nil }
func (nowhere) Close() error       { return nil }

func TestResultReadsAsOfDBBench(t *testing.T) {
	for _, c := range []struct {
		result Result
		want   string
	}{
		{Result{Ops: 1000, Bytes: 5 << 20, Threads: 1, Elapsed: 2 * time.Second}, "   2000.000 micros/op;     2.5 MB/s"},
		{Result{Ops: 4000, Threads: 4, Elapsed: time.Second}, "   1000.000 micros/op;"},
		{Result{Threads: 1}, "      0.000 micros/op;"},
	} {
		if got := c.result.String(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.result, got, c.want)
		}
	}
}

func TestUnknownWorkloadIsNamed(t *testing.T) {
	if _, err := Find("fillmoon"); err == nil || !strings.Contains(err.Error(), `"fillmoon"`) {
		t.Errorf("Find: %v", err)
	}
}
