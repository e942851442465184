package skiplist

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/varvedb/varve/engine/internal/base"
)

type pair struct{ key, value []byte }

func newList(capacity int) *List {
	arena := make([]byte, capacity)
	for i := range arena {
		arena[i] = 0xa5 // what an arena held before must not matter
	}
	return New(arena)
}

func insert(t testing.TB, l *List, s *Splice, key, value []byte) {
	t.Helper()
	if err := l.Insert(s, base.UserKey(key), base.TrailerOf(key), value); err != nil {
		t.Fatalf("insert %q: %v", key, err)
	}
}

func iterate(l *List) *Iterator {
	it := new(Iterator)
	it.Init(l)
	return it
}

// randomPairs makes pairs of distinct keys, several versions of some user keys among them.
func randomPairs(rng *rand.Rand, n int) []pair {
	seen := map[string]bool{}
	var pairs []pair
	for len(pairs) < n {
		user := fmt.Appendf(nil, "%0*d", rng.IntN(4), rng.IntN(n))
		key := base.AppendInternalKey(nil, user, base.Seq(rng.IntN(8)), base.Kind(rng.IntN(2)))
		if !seen[string(key)] {
			seen[string(key)] = true
			pairs = append(pairs, pair{key, bytes.Repeat([]byte{byte(len(pairs))}, rng.IntN(9))})
		}
	}
	return pairs
}

func sortPairs(pairs []pair) {
	slices.SortFunc(pairs, func(a, b pair) int { return base.Compare(a.key, b.key) })
}

func TestListAgreesWithSortedSlice(t *testing.T) {
	orders := []struct {
		name    string
		arrange func(*rand.Rand, []pair)
	}{
		{"random", func(*rand.Rand, []pair) {}},
		{"ascending", func(_ *rand.Rand, p []pair) { sortPairs(p) }},
		{"descending", func(_ *rand.Rand, p []pair) { sortPairs(p); slices.Reverse(p) }},
		{"sorted batches", func(_ *rand.Rand, p []pair) {
			for batch := range slices.Chunk(p, 50) {
				sortPairs(batch)
			}
		}},
	}
	for _, order := range orders {
		for _, remember := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/splice=%t", order.name, remember), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				pairs := randomPairs(rng, 2000)
				order.arrange(rng, pairs)
				l := newList(1 << 20)
				var s *Splice
				if remember {
					s = new(Splice)
				}
				for _, p := range pairs {
					insert(t, l, s, p.key, p.value)
				}
				sortPairs(pairs)
				checkScans(t, l, pairs)
				checkSeeks(t, l, pairs, rng)
				checkFinger(t, l, pairs, rng)
			})
		}
	}
}

func checkScans(t *testing.T, l *List, want []pair) {
	t.Helper()
	it := iterate(l)
	i := 0
	for ok := it.First(); ok; ok = it.Next() {
		checkAt(t, it, want, i)
		i++
	}
	if i != len(want) || it.Valid() {
		t.Fatalf("forward scan ended after %d entries, want %d", i, len(want))
	}
	for ok := it.Last(); ok; ok = it.Prev() {
		i--
		checkAt(t, it, want, i)
	}
	if i != 0 || it.Valid() {
		t.Fatalf("backward scan left out the first %d entries", i)
	}
}

// checkAt fails unless it stands on want[i], or is invalid if there is no such entry.
func checkAt(t *testing.T, it *Iterator, want []pair, i int) {
	t.Helper()
	if i < 0 || i >= len(want) {
		if it.Valid() {
			t.Fatalf("iterator on %q, want it invalid", it.Key())
		}
		return
	}
	if !it.Valid() {
		t.Fatalf("iterator invalid, want it on entry %d, %q", i, want[i].key)
	}
	if !bytes.Equal(it.Key(), want[i].key) || !bytes.Equal(it.Value(), want[i].value) {
		t.Fatalf("entry %d is %q=%q, want %q=%q", i, it.Key(), it.Value(), want[i].key, want[i].value)
	}
}

func checkSeeks(t *testing.T, l *List, want []pair, rng *rand.Rand) {
	t.Helper()
	it := iterate(l)
	targets := randomPairs(rng, 1000)
	for _, target := range append(targets, want...) {
		i, _ := slices.BinarySearchFunc(want, target.key, func(p pair, key []byte) int { return base.Compare(p.key, key) })
		if ok := it.SeekGE(target.key); ok != it.Valid() {
			t.Fatalf("SeekGE returned %t, iterator valid: %t", ok, it.Valid())
		}
		checkAt(t, it, want, i)
		if it.Valid() {
			it.Prev()
			checkAt(t, it, want, i-1)
		}
		it.SeekLT(target.key)
		checkAt(t, it, want, i-1)
		if it.Valid() {
			it.Next()
			checkAt(t, it, want, i)
		}
	}
}

// checkFinger finds keys in ascending order: few that are far apart, and many.
func checkFinger(t *testing.T, l *List, want []pair, rng *rand.Rand) {
	t.Helper()
	for _, n := range []int{1, 10, 1000} {
		targets := append(randomPairs(rng, n), want[:n]...)
		sortPairs(targets)
		var f Finger
		f.Reset(l)
		for _, target := range targets {
			key, value, ok := f.Find(base.UserKey(target.key), base.TrailerOf(target.key))
			wantKey, wantValue, wantOK := l.Find(base.UserKey(target.key), base.TrailerOf(target.key))
			if ok != wantOK || !bytes.Equal(key, wantKey) || !bytes.Equal(value, wantValue) {
				t.Fatalf("Finger.Find(%q) = %q, %q, %v; want %q, %q, %v", target.key, key, value, ok, wantKey, wantValue, wantOK)
			}
		}
	}
}

func TestFingerSeesWhatWasInsertedMeanwhile(t *testing.T) {
	l := newList(1 << 16)
	var f Finger
	f.Reset(l)
	for i := range 500 {
		key := base.AppendInternalKey(nil, fmt.Appendf(nil, "%04d", i), 1, base.KindPut)
		insert(t, l, nil, key, nil)
		if got, _, ok := f.Find(base.UserKey(key), base.TrailerOf(key)); !ok || !bytes.Equal(got, key) {
			t.Fatalf("Find(%q) = %q, %v", key, got, ok)
		}
	}
}

func TestEmptyListHasNoEntries(t *testing.T) {
	l := newList(MinCapacity)
	it := iterate(l)
	key := base.AppendInternalKey(nil, []byte("k"), 1, base.KindPut)
	if it.First() || it.Last() || it.SeekGE(key) || it.SeekLT(key) || it.Valid() || !l.Empty() {
		t.Fatal("an empty list has an entry")
	}
}

func TestInsertOfPresentKeyFailsAndChangesNothing(t *testing.T) {
	l := newList(1 << 16)
	var s Splice
	var want []pair
	for i := range 100 {
		key := base.AppendInternalKey(nil, fmt.Appendf(nil, "%03d", i), 1, base.KindPut)
		insert(t, l, &s, key, []byte("first"))
		want = append(want, pair{key, []byte("first")})
	}
	for _, i := range []int{50, 0, 99, 51} {
		size := l.Size()
		if err := l.Insert(&s, base.UserKey(want[i].key), base.TrailerOf(want[i].key), []byte("second")); !errors.Is(err, ErrExists) {
			t.Fatalf("inserting entry %d again: %v, want ErrExists", i, err)
		}
		if l.Size() != size {
			t.Fatalf("size %d, want %d", l.Size(), size)
		}
		// The splice must be as good as new.
		key := base.AppendInternalKey(nil, base.UserKey(want[i].key), 0, base.KindPut)
		insert(t, l, &s, key, nil)
		want = append(want, pair{key, nil})
	}
	sortPairs(want)
	checkScans(t, l, want)
}

func TestSpliceSurvivesInsertsThatFailed(t *testing.T) {
	l := newList(1 << 20)
	rng := rand.New(rand.NewPCG(7, 8))
	var s Splice
	var keys [][]byte
	for i := range 4000 {
		user := binary.BigEndian.AppendUint32(nil, uint32(i%40)<<16|uint32(i/40))
		key := base.AppendInternalKey(nil, user, 1, base.KindPut)
		insert(t, l, &s, key, nil)
		keys = append(keys, key)
		present := keys[rng.IntN(len(keys))]
		if err := l.Insert(&s, base.UserKey(present), base.TrailerOf(present), nil); !errors.Is(err, ErrExists) {
			t.Fatal(err)
		}
		above := base.AppendInternalKey(nil, user, 0, base.KindPut)
		insert(t, l, &s, above, nil)
	}
	checkLinks(t, l)
}

func TestArenaIsNeverOverrun(t *testing.T) {
	for capacity := MinCapacity; capacity < MinCapacity+200; capacity++ {
		l := newList(capacity)
		for i := byte(0); ; i++ {
			if err := l.Insert(nil, []byte{i}, 1, nil); errors.Is(err, ErrFull) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if l.Size() > l.Capacity() || l.Capacity() > capacity {
			t.Fatalf("size %d, capacity %d of %d", l.Size(), l.Capacity(), capacity)
		}
	}
}

func TestFullArenaRefusesWhatDoesNotFitAndTakesWhatDoes(t *testing.T) {
	l := newList(MinCapacity + 2*MaxNodeSize + 100)
	var s Splice
	if err := l.Insert(&s, []byte("big"), 1, make([]byte, 300)); !errors.Is(err, ErrFull) {
		t.Fatalf("insert beyond capacity: %v, want ErrFull", err)
	}
	if !l.Empty() {
		t.Fatal("a refused entry is in the list")
	}
	a := base.AppendInternalKey(nil, []byte("a"), 1, base.KindPut)
	b := base.AppendInternalKey(nil, []byte("b"), 1, base.KindPut)
	insert(t, l, &s, a, nil)
	insert(t, l, &s, b, nil)
	checkScans(t, l, []pair{{a, nil}, {b, nil}})
}

func TestMaxNodeSizeIsEnoughForAnyAlignmentAndHeight(t *testing.T) {
	for misalignment := range 8 {
		for lengths := range 8 {
			const entries = 300
			arena := make([]byte, 8+MinCapacity+entries*(MaxNodeSize+4+lengths))
			end := misalignment + MinCapacity + entries*(MaxNodeSize+4+lengths)
			l := New(arena[misalignment:end])
			if address := uintptr(unsafe.Pointer(&l.arena[0])); address%wordSize != 0 {
				t.Fatalf("words lie at %x", address)
			}
			for i := range entries {
				user := binary.BigEndian.AppendUint32(nil, uint32(i*7919%entries))
				insert(t, l, nil, base.AppendInternalKey(nil, user, 1, base.KindPut), make([]byte, lengths))
			}
		}
	}
}

func TestMaxNodeSizeIsWhatTheLargestNodeTakes(t *testing.T) {
	largest := 0
	for valueLen := range wordSize {
		l := newList(1 << 10)
		before := l.Size()
		if _, err := l.newNode(maxHeight, nil, 0, make([]byte, valueLen)); err != nil {
			t.Fatal(err)
		}
		largest = max(largest, l.Size()-before-valueLen)
	}
	if largest != MaxNodeSize {
		t.Fatalf("a node takes up to %d bytes, MaxNodeSize is %d", largest, MaxNodeSize)
	}
}

// halfInserted links a node before the first entry, as an Insert does before it sets the
// back link of the node behind.
func halfInserted(t *testing.T, l *List, user string) uint32 {
	t.Helper()
	var s Splice
	s.find(l, 1, []byte(user), 1)
	node, err := l.newNode(1, []byte(user), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.link(&s, node, 0, []byte(user), 1)
	return node
}

func TestSpliceStartsAnewWhereAnotherInsertGotInBetween(t *testing.T) {
	for _, between := range []bool{false, true} {
		l := newList(1 << 10)
		var s Splice
		s.find(l, 1, []byte("b"), 1)
		if between {
			insert(t, l, nil, base.AppendInternalKey(nil, []byte("a"), 0, base.KindPut), nil)
		}
		node, err := l.newNode(1, []byte("b"), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if l.link(&s, node, 0, []byte("b"), 1) {
			t.Fatal("b is said to be there already")
		}
		if anew := s.height == 0; anew != between {
			t.Errorf("insert in between: %t; the splice starts anew: %t", between, anew)
		}
	}
}

func TestPrevFindsAnEntryWhoseBackLinkIsNotYetSet(t *testing.T) {
	for _, users := range [][]string{{"c", "b"}, {"c", "a", "b"}, {"a", "c", "b"}} {
		l := newList(1 << 10)
		for _, user := range users[:len(users)-1] {
			insert(t, l, nil, base.AppendInternalKey(nil, []byte(user), 0, base.KindPut), nil)
		}
		halfInserted(t, l, "b")
		it := iterate(l)
		if !it.Last() || !it.Prev() || string(base.UserKey(it.Key())) != "b" {
			t.Errorf("%q: the entry before c is not b", users)
		}
	}
}

func TestBackLinkNeverMovesBackward(t *testing.T) {
	l := newList(1 << 10)
	var nodes []uint32
	for _, user := range []string{"d", "b", "c"} {
		insert(t, l, nil, base.AppendInternalKey(nil, []byte(user), 0, base.KindPut), nil)
		_, node, _ := l.search([]byte(user), base.Trailer(base.KindPut))
		nodes = append(nodes, node)
	}
	// The insert of b, delayed until that of c has ended, now sets its back link.
	d, b, c := nodes[0], nodes[1], nodes[2]
	l.advanceBack(d, head, b)
	if got := *l.back(d); got != c {
		t.Fatalf("the node before d is said to be %x, want c", l.key(got))
	}
}

func TestHeightsFallByAQuarter(t *testing.T) {
	l := newList(MinCapacity)
	var atLeast [maxHeight + 1]int
	const n = 1 << 16
	for range n {
		for h := l.randomHeight(); h > 0; h-- {
			atLeast[h]++
		}
	}
	for h := 2; h <= 5; h++ {
		want := n >> (2 * (h - 1))
		if atLeast[h] < want*8/10 || atLeast[h] > want*12/10 {
			t.Errorf("%d of %d nodes have height %d or more, want about %d", atLeast[h], n, h, want)
		}
	}
}

func TestSpliceMayGoOnToAnotherList(t *testing.T) {
	var s Splice
	key := base.AppendInternalKey(nil, []byte("k"), 1, base.KindPut)
	for range 3 {
		l := newList(1 << 12)
		insert(t, l, &s, key, []byte("v"))
		checkScans(t, l, []pair{{key, []byte("v")}})
	}
}

// A place at level 0 is what makes an ascending insert short: two comparisons.
func TestSpliceEnclosesTheNextAscendingKeyAtLevel0(t *testing.T) {
	l := newList(1 << 20)
	var s Splice
	for i := range 1000 {
		user := binary.BigEndian.AppendUint32(nil, uint32(i))
		if i > 0 && s.height >= int(l.height.Load()) && !s.encloses(0, user, 1) {
			t.Fatalf("key %d is not where the splice is", i)
		}
		insert(t, l, &s, base.AppendInternalKey(nil, user, 0, base.KindPut), nil)
		if s.height == 0 {
			t.Fatalf("the splice forgot its place after key %d", i)
		}
	}
}

func TestReadsAllocateNothing(t *testing.T) {
	l := newList(1 << 20)
	rng := rand.New(rand.NewPCG(3, 4))
	pairs := randomPairs(rng, 1000)
	for _, p := range pairs {
		insert(t, l, nil, p.key, p.value)
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(string(a.value), string(b.value)) })
	i := 0
	allocs := testing.AllocsPerRun(100, func() {
		var it Iterator
		it.Init(l)
		key := pairs[i%len(pairs)].key
		i++
		if !it.SeekGE(key) {
			t.Fatal("key is gone")
		}
		_, _ = it.Key(), it.Value()
		if it.Next() {
			it.Prev()
		}
		it.SeekLT(key)
		l.Find(base.UserKey(key), base.TrailerOf(key))
	})
	if allocs != 0 {
		t.Fatalf("a read allocates %v times", allocs)
	}
}

func TestInsertAllocatesNothing(t *testing.T) {
	l := newList(1 << 20)
	var s Splice
	var user [8]byte
	i := uint64(0)
	allocs := testing.AllocsPerRun(1000, func() {
		i++
		binary.BigEndian.PutUint64(user[:], i*0x9e3779b97f4a7c15)
		if err := l.Insert(&s, user[:], 1, nil); err != nil {
			t.Fatal(err)
		}
		user[7]++
		if err := l.Insert(nil, user[:], 2, nil); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Fatalf("two inserts allocate %v times", allocs)
	}
}
