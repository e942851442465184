package manifest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// history drives a Set as the engine does, table files included, and knows what a crash may
// find at each moment.
type history struct {
	t   *testing.T
	fs  *scriptedFS
	rng *rand.Rand
	set *Set

	acknowledged string   // the state that is in force; "" before the store is created
	possible     []string // the states that a failed edit, or the running one, may have led to
	images       int
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{t: t, fs: &scriptedFS{FS: memfs.New()}, rng: rand.New(rand.NewPCG(seed, 0))}
	h.fs.before = h.crash
	return h
}

// run creates a store and applies edits until n were acknowledged.
func (h *history) run(n int) {
	for h.set == nil {
		h.open()
	}
	h.set.OnObsolete = h.removeTable
	h.acknowledged = state(h.set)
	for done := 0; done < n; {
		if h.apply() {
			done++
		}
		if done%4 == 3 {
			h.shrink()
		}
	}
}

// shrink begins a fresh manifest, which changes nothing and settles what had failed.
func (h *history) shrink() {
	if h.set.file != nil {
		h.set.file.size *= growth
	}
	if h.set.Shrink() == nil {
		h.possible = nil
	}
	if got := state(h.set); got != h.acknowledged {
		h.t.Fatalf("after Shrink the state is\n%swant\n%s", got, h.acknowledged)
	}
}

func (h *history) open() {
	exists, err := Exists(h.fs)
	if err != nil {
		h.t.Fatal(err)
	}
	open := Create
	if exists {
		open = Load
	}
	s, err := open(h.fs)
	switch {
	case err == nil:
		h.set = s
	case !errors.Is(err, vfs.ErrIO):
		h.t.Fatal(err)
	}
}

func (h *history) removeTable(table *Table) {
	if slices.Contains(h.set.Current().Levels[0], table) {
		h.t.Errorf("table %v is obsolete but current", table)
	}
	_ = h.fs.Remove(base.FileName(base.FileTable, table.Num))
}

// apply adds a table, and deletes or moves one now and then.
func (h *history) apply() bool {
	num := h.set.NextFileNum()
	if !h.writeTable(num) {
		return false
	}
	e := add(0, table(num, "a", "b"))
	e.LastSeq = new(h.set.LastSeq() + 10)
	if level0 := h.set.Current().Levels[0]; len(level0) > 2 {
		e.deleting(0, level0[h.rng.IntN(len(level0))].Num)
		e.LogNum = new(num)
		e.CompactPointers = []CompactPointer{{Level: 1, Key: key("p", base.Seq(num))}}
	}
	h.possible = append(h.possible, h.stateAfter(e))
	if err := h.set.Apply(e); err != nil {
		if got := state(h.set); got != h.acknowledged {
			h.t.Fatalf("after a failed Apply the state is\n%swant\n%s", got, h.acknowledged)
		}
		return false
	}
	h.acknowledged = state(h.set)
	if want := h.possible[len(h.possible)-1]; h.acknowledged != want {
		h.t.Fatalf("Apply led to\n%swant\n%s", h.acknowledged, want)
	}
	h.possible = nil
	return true
}

func (h *history) writeTable(num base.FileNum) bool {
	w, err := h.fs.Create(base.FileName(base.FileTable, num))
	if err != nil {
		return false
	}
	return w.Sync(vfs.Strict) == nil && w.Close() == nil
}

func (h *history) stateAfter(e *Edit) string {
	b := newBuilder(h.set.Current())
	if err := b.apply(e); err != nil {
		h.t.Fatal(err)
	}
	v, err := b.version()
	if err != nil {
		h.t.Fatal(err)
	}
	return state(&Set{current: v, counters: h.set.counters.after(e)})
}

// crash checks what crashes at this moment would leave.
func (h *history) crash() {
	for _, keep := range []memfs.Keep{{}, {Rand: h.rng}, {Rand: h.rng, PowerLoss: true}} {
		h.images++
		image := h.fs.Crash(keep)
		if h.set == nil {
			h.recoverFirst(image)
		} else {
			h.recover(image)
		}
	}
}

// recoverFirst checks what a crash during Create leaves: nothing or an empty store.
func (h *history) recoverFirst(image *memfs.FS) {
	exists, err := Exists(image)
	if err != nil {
		h.t.Fatal(err)
	}
	if !exists {
		mustCreate(h.t, image)
	}
	if s := mustLoad(h.t, image); s.Current().NumTables() != 0 {
		h.t.Fatalf("new store has tables:\n%v", s.Current())
	}
}

func (h *history) recover(image *memfs.FS) {
	s := mustLoad(h.t, image)
	got := state(s)
	if got != h.acknowledged && !slices.Contains(h.possible, got) {
		h.t.Fatalf("recovered\n%swant\n%sor one of\n%q", got, h.acknowledged, h.possible)
	}
	for _, table := range s.Current().Levels[0] {
		readFile(h.t, image, base.FileName(base.FileTable, table.Num))
	}
	next := s.NextFileNum()
	for _, table := range s.Current().Levels[0] {
		if table.Num >= next {
			h.t.Fatalf("file number %d is given out though there is table %v", next, table)
		}
	}
	mustApply(h.t, s, add(3, table(next, "x", "y")))
	want := state(s)
	if got := state(mustLoad(h.t, image)); got != want {
		h.t.Fatalf("recovered after recovery\n%swant\n%s", got, want)
	}
}

func TestCrashAtAnyOperationLeavesWhatWasAcknowledged(t *testing.T) {
	for seed := range uint64(4) {
		h := newHistory(t, seed)
		h.run(20)
		if h.images == 0 {
			t.Fatal("no crash was tried")
		}
	}
}

// TestFailureOfAnyOperationLosesNothing fails each operation in turn, and at each one after it
// looks at what a crash would leave.
func TestFailureOfAnyOperationLosesNothing(t *testing.T) {
	for _, failAfter := range []bool{false, true} {
		for failAt, last := 1, false; !last; failAt++ {
			t.Run(fmt.Sprintf("failAfter=%v/%d", failAfter, failAt), func(t *testing.T) {
				h := newHistory(t, uint64(failAt))
				h.fs.failAt, h.fs.failAfter = failAt, failAfter
				h.run(6)
				h.crash()
				last = h.fs.op < failAt
			})
		}
	}
}
