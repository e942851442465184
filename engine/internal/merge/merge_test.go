package merge

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

// list iterates over internal keys in their order. With failAt it fails at that index.
type list struct {
	keys   [][]byte
	at     int
	failAt int // -1: never
	err    error
	closed int
}

var errRead = errors.New("read failed")

func newList(keys ...[]byte) *list {
	slices.SortFunc(keys, base.Compare)
	return &list{keys: keys, at: -1, failAt: -1}
}

func (l *list) move(to int) bool {
	l.at, l.err = to, nil
	if l.Valid() && to == l.failAt {
		l.at, l.err = -1, errRead
	}
	return l.Valid()
}

func (l *list) firstFrom(key []byte) int {
	return sort.Search(len(l.keys), func(i int) bool { return base.Compare(l.keys[i], key) >= 0 })
}

func (l *list) First() bool            { return l.move(0) }
func (l *list) Last() bool             { return l.move(len(l.keys) - 1) }
func (l *list) SeekGE(key []byte) bool { return l.move(l.firstFrom(key)) }
func (l *list) SeekLT(key []byte) bool { return l.move(l.firstFrom(key) - 1) }
func (l *list) Next() bool             { return l.move(l.at + 1) }
func (l *list) Prev() bool             { return l.move(l.at - 1) }
func (l *list) Valid() bool            { return l.at >= 0 && l.at < len(l.keys) }
func (l *list) Key() []byte            { return l.keys[l.at] }
func (l *list) Value() []byte          { return fmt.Appendf(nil, "value of %q", l.keys[l.at]) }
func (l *list) Error() error           { return l.err }

func (l *list) Close() error {
	l.closed++
	return l.err
}

func key(user int, seq base.Seq) []byte {
	return base.AppendInternalKey(nil, fmt.Appendf(nil, "%03d", user), seq, base.KindPut)
}

// randomInputs deals random keys out to n lists; all has every one of them.
func randomInputs(rng *rand.Rand, n int) (inputs []base.Iterator, all *list) {
	lists := make([]*list, n)
	for i := range lists {
		lists[i] = newList()
	}
	var keys [][]byte
	for seq := range rng.IntN(200) {
		k := key(rng.IntN(60), base.Seq(seq))
		to := lists[rng.IntN(n)]
		to.keys = append(to.keys, k)
		keys = append(keys, k)
	}
	for _, l := range lists {
		slices.SortFunc(l.keys, base.Compare)
		inputs = append(inputs, l)
	}
	return inputs, newList(keys...)
}

func TestMergedInputsMoveAsOneSortedList(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		inputs, want := randomInputs(rng, 2+rng.IntN(6))
		m := New(inputs...)
		var history []string
		for range 100 {
			move, seek := rng.IntN(8), key(rng.IntN(62)-1, base.Seq(rng.IntN(200)))
			if move >= 4 && !want.Valid() {
				continue
			}
			history = append(history, fmt.Sprint(move))
			got, wanted := apply(m, move, seek), apply(want, move, seek)
			if got != wanted || m.Valid() != wanted || m.Error() != nil {
				t.Fatalf("%v: valid %t, want %t; %v", history, got, wanted, m.Error())
			}
			if wanted && (string(m.Key()) != string(want.Key()) || string(m.Value()) != string(want.Value())) {
				t.Fatalf("%v: on %q, want %q", history, m.Key(), want.Key())
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// apply makes a move; from 4 on it is relative to the position.
func apply(it base.Iterator, move int, seek []byte) bool {
	switch move {
	case 0:
		return it.First()
	case 1:
		return it.Last()
	case 2:
		return it.SeekGE(seek)
	case 3:
		return it.SeekLT(seek)
	case 4, 5:
		return it.Next()
	}
	return it.Prev()
}

func TestFailedInputEndsTheMerge(t *testing.T) {
	for _, c := range []struct {
		name        string
		begin, move func(base.Iterator) bool
	}{
		{"forward", base.Iterator.First, base.Iterator.Next},
		{"backward", base.Iterator.Last, base.Iterator.Prev},
	} {
		for failAt := range 3 {
			bad := newList(key(1, 1), key(4, 1), key(7, 1))
			bad.failAt = failAt
			m := New(newList(key(0, 1), key(3, 1), key(6, 1)), bad, newList(key(2, 1), key(8, 1)))
			n := 0
			for valid := c.begin(m); valid; valid = c.move(m) {
				n++
			}
			if !errors.Is(m.Error(), errRead) || m.Valid() || n == 8 {
				t.Errorf("%s, failing at %d: %d entries, %v", c.name, failAt, n, m.Error())
			}
			bad.failAt = -1
			if !c.begin(m) || m.Error() != nil {
				t.Errorf("%s: after the failure: %v", c.name, m.Error())
			}
		}
	}
}

func TestFailureWhileTurningEndsTheMerge(t *testing.T) {
	bad := newList(key(1, 1), key(3, 1))
	m := New(newList(key(2, 1)), bad)
	m.First()
	m.Next()
	bad.failAt = 0
	if m.Prev() || m.Valid() || !errors.Is(m.Error(), errRead) {
		t.Errorf("valid %t, %v", m.Valid(), m.Error())
	}
}

func TestEntryInTwoInputsIsYieldedTwice(t *testing.T) {
	m := New(newList(key(1, 1), key(2, 1)), newList(key(1, 1)))
	n := 0
	for valid := m.First(); valid; valid = m.Next() {
		n++
	}
	if n != 3 {
		t.Errorf("%d entries, want 3", n)
	}
}

func TestMergeOfNothingIsEmpty(t *testing.T) {
	m := New()
	if m.First() || m.Last() || m.SeekGE(key(1, 1)) || m.SeekLT(key(1, 1)) || m.Valid() || m.Error() != nil {
		t.Error("it stands on an entry")
	}
}

func TestSingleInputIsReturnedAsItIs(t *testing.T) {
	l := newList(key(1, 1))
	if New(l) != base.Iterator(l) {
		t.Error("it is wrapped")
	}
}

func TestCloseClosesEveryInputAndReturnsTheFirstError(t *testing.T) {
	lists := []*list{newList(), newList(), newList()}
	lists[1].err = errRead
	m := New(lists[0], lists[1], lists[2])
	if err := m.Close(); !errors.Is(err, errRead) {
		t.Errorf("%v", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
	for i, l := range lists {
		if l.closed != 1 {
			t.Errorf("input %d was closed %d times", i, l.closed)
		}
	}
}
