package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// fixture is a store in memory whose file system can be made to fail, wait and crash.
type fixture struct {
	*DB
	t       *testing.T
	medium  *memfs.FS
	fs      *faultfs.FS
	options Options
}

// newFixture opens a new store. At the end of the test it is checked and closed, unless the
// test has closed it.
func newFixture(t *testing.T, o Options) *fixture {
	t.Helper()
	f := &fixture{t: t, medium: memfs.New(), options: o}
	f.fs = faultfs.New(f.medium, nil)
	f.open()
	t.Cleanup(func() {
		if f.DB == nil || f.isClosing() {
			return
		}
		f.fs.SetRule(nil)
		f.must(f.Check())
		f.must(f.Close())
	})
	return f
}

// smallOptions make a few dozen writes fill a memtable, and a few tables a level.
func smallOptions() Options {
	return Options{
		MemtableSize: 8 << 10, TableSize: 8 << 10, BaseLevelSize: 32 << 10,
		BlockSize: 512, BlockCacheSize: 64 << 10,
	}
}

// quietOptions keep background compactions from starting.
func quietOptions() Options {
	o := smallOptions()
	o.MemtableSize = 1 << 20
	o.L0CompactionFiles, o.L0StopFiles = 100, 100
	return o
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) open() {
	f.t.Helper()
	db, err := Open(f.fs, &f.options)
	f.must(err)
	f.DB = db
}

func (f *fixture) reopen() {
	f.t.Helper()
	f.must(f.Close())
	f.open()
}

// crash goes on with what a loss of power leaves of the store, which may be closed already.
func (f *fixture) crash() {
	f.t.Helper()
	f.medium = f.medium.Crash(memfs.Keep{PowerLoss: true})
	f.fs.SetRule(nil)
	if !f.isClosing() {
		f.must(f.Close())
	}
	f.fs = faultfs.New(f.medium, nil)
	f.open()
}

// put makes Relaxed writes of pairs like "key=value".
func (f *fixture) put(pairs ...string) {
	f.t.Helper()
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		f.must(f.Put([]byte(key), []byte(value), Relaxed))
	}
}

func (f *fixture) del(keys ...string) {
	f.t.Helper()
	for _, key := range keys {
		f.must(f.Delete([]byte(key), Relaxed))
	}
}

// reader is what a DB and a Snapshot have in common.
type reader interface {
	Get(dst, key []byte) ([]byte, error)
	TryGet(dst, key []byte) ([]byte, error)
	Has(key []byte) (bool, error)
	GetMany(keys [][]byte, visit func(i int, value []byte, found bool)) error
	TryGetMany(keys [][]byte, visit func(value []byte, err error))
	NewIterator(o IterOptions) (*Iterator, error)
}

// dump returns all that r holds as "key=value key=value", and checks that every way of reading
// agrees on it.
func (f *fixture) dump(r reader) string {
	f.t.Helper()
	it, err := r.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	forward := entries(it, it.First, it.Next)
	f.must(it.Error())
	backward := entries(it, it.Last, it.Prev)
	f.must(it.Error())
	for i, pair := range forward {
		if len(backward) != len(forward) || backward[len(backward)-1-i] != pair {
			f.t.Fatalf("forward %v, backward %v", forward, backward)
		}
		key, want, _ := strings.Cut(pair, "=")
		if got, err := r.Get(nil, []byte(key)); err != nil || string(got) != want {
			f.t.Fatalf("Get(%s): %q, %v, want %q", key, got, err, want)
		}
	}
	f.agree(r, forward)
	return strings.Join(forward, " ")
}

// agree checks that keys read together have the values of pairs, and others none.
func (f *fixture) agree(r reader, pairs []string) {
	f.t.Helper()
	var keys [][]byte
	var want []string
	for i, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		keys, want = append(keys, []byte(key)), append(want, value)
		if i%3 == 0 {
			keys, want = append(keys, []byte(key+"\x00"), []byte(key)), append(want, "-", value)
		}
	}
	rand.Shuffle(len(keys), func(i, j int) {
		keys[i], keys[j] = keys[j], keys[i]
		want[i], want[j] = want[j], want[i]
	})
	seen := 0
	f.must(r.GetMany(keys, func(i int, value []byte, found bool) {
		seen++
		if found != (want[i] != "-") || found && string(value) != want[i] {
			f.t.Fatalf("GetMany finds %q under %s, %t, want %q", value, keys[i], found, want[i])
		}
	}))
	i := 0
	r.TryGetMany(keys, func(value []byte, err error) {
		missing := errors.Is(err, ErrNotFound)
		if !errors.Is(err, ErrWouldWait) && (missing != (want[i] == "-") || !missing && (err != nil || string(value) != want[i])) {
			f.t.Fatalf("TryGetMany finds %q under %s, %v, want %q", value, keys[i], err, want[i])
		}
		i++
	})
	if seen != len(keys) || i != len(keys) {
		f.t.Fatalf("GetMany told of %d of %d keys, TryGetMany of %d", seen, len(keys), i)
	}
}

// entries moves it until it stands nowhere.
func entries(it *Iterator, begin, move func() bool) (pairs []string) {
	for valid := begin(); valid; valid = move() {
		pairs = append(pairs, string(it.Key())+"="+string(it.Value()))
	}
	return pairs
}

// holds fails the test unless r holds exactly want, in the form of dump.
func (f *fixture) holds(r reader, want string) {
	f.t.Helper()
	if got := f.dump(r); got != want {
		f.t.Fatalf("the store holds %q, want %q", got, want)
	}
}

// expect fails the test unless err is, or wraps, want.
func expect(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", doing, err, want)
	}
}

// onKind matches the operations on files of that kind.
func onKind(kind base.FileKind, ops ...faultfs.Kind) func(faultfs.Op) bool {
	isOp := faultfs.Kinds(ops...)
	return func(op faultfs.Op) bool {
		k, _, ok := base.ParseFileName(op.Name)
		return ok && k == kind && isOp(op)
	}
}

// count returns how many operations matched so far.
func (f *fixture) count(match func(faultfs.Op) bool) (n int) {
	for _, op := range f.fs.Ops() {
		if match(op) {
			n++
		}
	}
	return n
}

// gate holds operations until it is opened.
type gate struct {
	reached chan struct{} // gets one for each operation that is held
	opened  chan struct{}
}

func (f *fixture) hold(match func(faultfs.Op) bool) *gate {
	g := &gate{reached: make(chan struct{}, 1000), opened: make(chan struct{})}
	f.fs.OnOp(func(_ int, op faultfs.Op) {
		if match(op) {
			g.reached <- struct{}{}
			<-g.opened
		}
	})
	return g
}

func (g *gate) open() { close(g.opened) }

// await returns when condition holds, which something in the background brings about.
func await(condition func() bool) {
	for !condition() {
		time.Sleep(100 * time.Microsecond)
	}
}

// parked reports whether the goroutines that run function all wait in that state.
func parked(function, state string) (found bool) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, goroutine := range strings.Split(string(stacks), "\n\n") {
		if !strings.Contains(goroutine, "."+function+"(") {
			continue
		}
		if !strings.Contains(goroutine, " ["+state) {
			return false
		}
		found = true
	}
	return found
}

// flushed lets the background flush what it may, and returns when it rests.
func (f *fixture) flushed() {
	wake(f.flushWork)
	await(func() bool { return len(f.flushWork) == 0 && parked("flushLoop", "select") })
}

// insist repeats what fails with ErrWouldWait: background work may hold the lock just then.
func (f *fixture) insist(do func() error) {
	f.t.Helper()
	var err error
	await(func() bool {
		err = do()
		return !errors.Is(err, ErrWouldWait)
	})
	f.must(err)
}

func (f *fixture) tryApply(b *Batch, d Durability, done func(error)) {
	f.t.Helper()
	f.insist(func() error { return f.TryApply(b, d, done) })
}

func (f *fixture) trySnapshot() (s *Snapshot) {
	f.t.Helper()
	f.insist(func() (err error) {
		s, err = f.TrySnapshot()
		return err
	})
	return s
}

var errInjected = fmt.Errorf("injected: %w", vfs.ErrNoSpace)

// failing returns the rule by which operations that match fail from the nth on.
func failing(match func(faultfs.Op) bool, nth int) faultfs.Rule {
	return faultfs.On(match, faultfs.From(nth, faultfs.Fault{Err: errInjected}))
}

// load writes n keys with values of valueLen bytes that don't compress.
func (f *fixture) load(n, valueLen int) {
	f.t.Helper()
	for i := range n {
		f.must(f.Put(numberedKey(i), noise(i, valueLen), Deferred))
	}
}

func numberedKey(i int) []byte { return fmt.Appendf(nil, "key%06d", i) }

// noise returns bytes that seed decides and that don't compress.
func noise(seed, n int) []byte {
	p := make([]byte, n)
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for i := range p {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		p[i] = byte(x >> 32)
	}
	return p
}

// storeSize returns the bytes of all tables.
func (f *fixture) storeSize() (sum int64) {
	for _, l := range f.Metrics().Levels {
		sum += l.Bytes
	}
	return sum
}

// failEverySeventh returns the rule by which every seventh operation that matches fails.
func failEverySeventh(match func(faultfs.Op) bool) faultfs.Rule {
	return faultfs.On(match, func(n int, _ faultfs.Op) *faultfs.Fault {
		if n%7 != 6 {
			return nil
		}
		return &faultfs.Fault{Err: errInjected}
	})
}
