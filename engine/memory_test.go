package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/varvedb/varve/vfs/osfs"
)

const (
	memoryTestBudget = 16 << 20

	// workingMemory is what a store may hold beside its budget: see Options.MemoryBudget.
	workingMemory = 8 << 20
)

// TestMemoryStaysWithinBudget loads a store of seven times its budget, reads it, and does both.
// What counts is the heap that a collection leaves: garbage is the collector's affair.
func TestMemoryStaysWithinBudget(t *testing.T) {
	fs, err := osfs.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	before := liveHeap()
	db, err := Open(fs, &Options{MemoryBudget: memoryTestBudget})
	if err != nil {
		t.Fatal(err)
	}
	s := &budgetTest{t: t, db: db, before: before, rng: rand.New(rand.NewPCG(1, 1))}
	s.phase("load", memoryTestRecords, s.write)
	s.phase("reads", memoryTestRecords/50, s.read)
	s.phase("reads and writes", memoryTestRecords/25, func() {
		s.write()
		s.read()
	})
	m := db.Metrics()
	if s.cached < m.BlockCache.Capacity/2 || m.Compactions == 0 {
		t.Errorf("the store was not put to use: %+v", m)
	}
	for _, err := range []error{db.Check(), db.Close(), fs.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
}

// budgetTest works on a store of random keys.
type budgetTest struct {
	t      *testing.T
	db     *DB
	before int64 // the heap without the store
	cached int64 // bytes of blocks, at most: compactions take theirs away
	rng    *rand.Rand
	key    []byte
	value  []byte
	first  []byte // the first key that was written
	err    error
}

// phase does work n times, and looks at the heap from time to time.
func (s *budgetTest) phase(name string, n int, work func()) {
	s.t.Helper()
	const looks = 40
	most := int64(0)
	for i := range n {
		if work(); s.err != nil {
			s.t.Fatalf("%s: %v", name, s.err)
		}
		if i%(n/looks) == 0 {
			most = max(most, liveHeap()-s.before)
			s.cached = max(s.cached, s.db.Metrics().BlockCache.Bytes)
		}
	}
	s.t.Logf("%s: at most %.1f MiB", name, float64(most)/(1<<20))
	if limit := int64(memoryTestBudget + workingMemory); most > limit {
		s.t.Errorf("%s: the store holds %d bytes, %d more than budget and working memory", name, most, most-limit)
	}
}

func (s *budgetTest) randomKey() []byte {
	s.key = fmt.Appendf(s.key[:0], "%016x", s.rng.Uint64())
	return s.key
}

func (s *budgetTest) write() {
	key := s.randomKey()
	if s.first == nil {
		s.first = append(s.first, key...)
	}
	s.err = s.db.Put(key, noise(int(s.rng.Uint32()), 100), Deferred)
}

// read looks for a key that is there and one that is not. Where it is found does not matter: a
// scan of one key brings its block into the cache.
func (s *budgetTest) read() {
	if s.value, s.err = s.db.Get(s.value[:0], s.first); s.err != nil {
		return
	}
	if _, s.err = s.db.Get(nil, s.randomKey()); errors.Is(s.err, ErrNotFound) {
		s.err = nil
	}
	s.scan()
}

func (s *budgetTest) scan() {
	it, err := s.db.NewIterator(IterOptions{})
	if err != nil {
		s.err = err
		return
	}
	for ok := it.SeekGE(s.randomKey()); ok && s.rng.IntN(10) > 0; {
		ok = it.Next()
	}
	s.err = errors.Join(s.err, it.Error(), it.Close())
}

// liveHeap returns the bytes of the objects that a collection leaves.
func liveHeap() int64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}
