package skiplist

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

// Each writer inserts its own keys in an order of its own; progress[w] says how many of them
// its Insert has acknowledged. So at any moment a reader knows a set of keys that must be there.
type writers struct {
	list     *List
	perEach  int
	progress []atomic.Int64
}

func (w *writers) key(dst []byte, writer, i int) []byte {
	scattered := uint32(i) * 2654435761
	dst = binary.BigEndian.AppendUint32(dst[:0], scattered%uint32(4*w.perEach))
	dst = binary.BigEndian.AppendUint32(dst, uint32(i))
	return append(dst, byte(writer))
}

func (w *writers) run(t *testing.T, writer int) {
	var s Splice
	remembered := &s
	if writer%2 == 1 {
		remembered = nil
	}
	var user []byte
	for i := range w.perEach {
		user = w.key(user, writer, i)
		if err := w.list.Insert(remembered, user, base.MakeTrailer(base.Seq(i), base.KindPut), user); err != nil {
			t.Errorf("writer %d, insert %d: %v", writer, i, err)
			return
		}
		w.progress[writer].Store(int64(i + 1))
	}
}

// acknowledged returns how many keys each writer surely has in the list.
func (w *writers) acknowledged() []int {
	counts := make([]int, len(w.progress))
	for i := range w.progress {
		counts[i] = int(w.progress[i].Load())
	}
	return counts
}

// checkScan walks the list in one direction and fails unless it is sorted and has every key
// that was acknowledged before the walk began.
func (w *writers) checkScan(t *testing.T, backward bool) {
	floor := w.acknowledged()
	seen := make([]int, len(floor))
	it := iterate(w.list)
	first, next := it.First, it.Next
	if backward {
		first, next = it.Last, it.Prev
	}
	var last []byte
	for ok := first(); ok; ok = next() {
		key := it.Key()
		if last != nil && (base.Compare(last, key) < 0) == backward {
			t.Errorf("backward %t: %x comes after %x", backward, key, last)
			return
		}
		last = key
		user := base.UserKey(key)
		if string(it.Value()) != string(user) {
			t.Errorf("key %x has the value %x", user, it.Value())
			return
		}
		if i := int(base.TrailerOf(key).Seq()); i < floor[user[8]] {
			seen[user[8]]++
		}
	}
	for writer := range floor {
		if seen[writer] != floor[writer] {
			t.Errorf("backward %t: %d keys of writer %d, %d were there before", backward, seen[writer], writer, floor[writer])
		}
	}
}

// checkSeeks looks up keys that were acknowledged, and their neighbours.
func (w *writers) checkSeeks(t *testing.T, rng *rand.Rand) {
	it := iterate(w.list)
	for writer, n := range w.acknowledged() {
		if n == 0 {
			continue
		}
		i := rng.IntN(n)
		user := w.key(nil, writer, i)
		key := base.AppendInternalKey(nil, user, base.Seq(i), base.KindPut)
		if !it.SeekGE(key) || string(it.Key()) != string(key) {
			t.Errorf("key %x of writer %d is gone", key, writer)
			return
		}
		if it.SeekLT(key); it.Valid() && base.Compare(it.Key(), key) >= 0 {
			t.Errorf("SeekLT(%x) found %x", key, it.Key())
			return
		}
	}
}

func TestAcknowledgedInsertsAreSeenByEveryLaterRead(t *testing.T) {
	const writerCount, readerCount = 4, 3
	perEach := 1500
	if runtime.GOARCH == "wasm" {
		perEach = 300
	}
	w := &writers{list: newList(4 << 20), perEach: perEach, progress: make([]atomic.Int64, writerCount)}
	var writing, reading sync.WaitGroup
	var done atomic.Bool
	for i := range writerCount {
		writing.Go(func() { w.run(t, i) })
	}
	for i := range readerCount {
		reading.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 5))
			for !done.Load() && !t.Failed() {
				w.checkScan(t, i%2 == 0)
				w.checkSeeks(t, rng)
				runtime.Gosched()
			}
		})
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
	w.checkScan(t, false)
	w.checkScan(t, true)
	checkLinks(t, w.list)
}

// checkLinks checks, at rest, that every level is sorted, and the invariants 2 and 3.
func checkLinks(t *testing.T, l *List) {
	t.Helper()
	below := map[uint32]bool{}
	for level := range maxHeight {
		here := map[uint32]bool{}
		before := uint32(head)
		for node := *l.next(head, level); ; node = *l.next(node, level) {
			if level == 0 && *l.back(node) != before {
				t.Fatalf("back link of node %d is %d, want %d", node, *l.back(node), before)
			}
			if node == head {
				break
			}
			if level > 0 && !below[node] {
				t.Fatalf("node %d is linked at level %d but not below", node, level)
			}
			if before != head && base.Compare(l.key(before), l.key(node)) >= 0 {
				t.Fatalf("level %d: %x comes before %x", level, l.key(before), l.key(node))
			}
			here[node] = true
			before = node
		}
		below = here
	}
}

func TestNeighbouringInsertsOfManyWritersKeepEveryLevelSorted(t *testing.T) {
	const goroutines, keys, rounds = 4, 500, 40
	for range rounds {
		l := newList(1 << 18)
		var group sync.WaitGroup
		for g := range goroutines {
			group.Go(func() {
				var s Splice
				for i := range keys {
					user := binary.BigEndian.AppendUint32(nil, uint32(i*goroutines+g))
					if err := l.Insert(&s, user, 1, nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		checkLinks(t, l)
	}
}

func TestOneOfManyInsertsOfOneKeySucceeds(t *testing.T) {
	const goroutines, keys = 4, 2000
	l := newList(2 << 20)
	var inserted [keys]atomic.Int32
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			var s Splice
			for i := range keys {
				user := binary.BigEndian.AppendUint32(nil, uint32(i))
				switch err := l.Insert(&s, user, 1, nil); {
				case err == nil:
					inserted[i].Add(1)
				case !errors.Is(err, ErrExists):
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	n := 0
	it := iterate(l)
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	for i := range inserted {
		if got := inserted[i].Load(); got != 1 {
			t.Fatalf("key %d was inserted %d times", i, got)
		}
	}
	if n != keys {
		t.Fatalf("%d entries, want %d", n, keys)
	}
}
