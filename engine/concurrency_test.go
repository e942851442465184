package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// twins is a store in which the keys a<n> and b<n> are always written in one batch, with the
// same value: the number of the write. No read may ever see them differ, nor numbers that
// go back.
type twins struct {
	*fixture
	wg      sync.WaitGroup
	stop    atomic.Bool
	numbers [twinKeys]atomic.Int64 // the last acknowledged write of each pair
}

const twinKeys = 64

func twinKey(prefix byte, n int) []byte { return fmt.Appendf(nil, "%c%03d", prefix, n) }

// writer alone writes the pairs n with n % writers == writer.
func (tw *twins) write(writer, writers, times int) error {
	rng := rand.New(rand.NewPCG(uint64(writer), 0))
	var b Batch
	for i := 1; i <= times; i++ {
		n := rng.IntN(twinKeys/writers)*writers + writer
		value := fmt.Appendf(nil, "%d.%s", i, noise(i, 10+rng.IntN(200)))
		b.Reset()
		if err := errors.Join(b.Put(twinKey('a', n), value), b.Put(twinKey('b', n), value)); err != nil {
			return err
		}
		d := Durability(rng.IntN(3))
		if err := tw.Apply(&b, d); err != nil {
			return fmt.Errorf("write %d: %w", i, err)
		}
		tw.numbers[n].Store(int64(i))
	}
	return nil
}

func number(value []byte) int64 {
	for i, c := range value {
		if c == '.' {
			n, err := strconv.ParseInt(string(value[:i]), 10, 64)
			if err != nil {
				return -1
			}
			return n
		}
	}
	return 0
}

// checkPair reads both keys of a pair at one moment.
func (tw *twins) checkPair(r reader, n int) error {
	least := int64(0)
	if r == reader(tw.DB) {
		least = tw.numbers[n].Load()
	}
	var values [2][]byte
	err := r.GetMany([][]byte{twinKey('a', n), twinKey('b', n)}, func(i int, value []byte, _ bool) {
		values[i] = append([]byte(nil), value...)
	})
	if err == nil && string(values[0]) != string(values[1]) {
		err = fmt.Errorf("pair %d: a is of write %d, b of write %d", n, number(values[0]), number(values[1]))
	}
	if got := number(values[0]); err == nil && got < least {
		err = fmt.Errorf("pair %d: write %d is read after write %d was acknowledged", n, got, least)
	}
	return err
}

func (tw *twins) readPairs() error {
	for !tw.stop.Load() {
		if err := tw.checkPair(tw.DB, rand.IntN(twinKeys)); err != nil {
			return err
		}
		if value, err := tw.TryGet(nil, twinKey('a', rand.IntN(twinKeys))); err == nil && number(value) <= 0 {
			return fmt.Errorf("TryGet: %q", value)
		}
	}
	return nil
}

func (tw *twins) iterate() error {
	for !tw.stop.Load() {
		it, err := tw.NewIterator(IterOptions{})
		if err != nil {
			return err
		}
		for _, found := range [][]string{entries(it, it.First, it.Next), entries(it, it.Last, it.Prev)} {
			if it.Error() == nil && len(found)%2 != 0 {
				err = fmt.Errorf("%d keys", len(found))
			}
			half := len(found) / 2
			for i := range half {
				if found[i][1:] != found[half+i][1:] {
					err = fmt.Errorf("%.30s beside %.30s", found[i], found[half+i])
				}
			}
		}
		if err := errors.Join(err, it.Error(), it.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (tw *twins) useSnapshots() error {
	for !tw.stop.Load() {
		s, err := tw.NewSnapshot()
		if err != nil {
			return err
		}
		first, err := s.Get(nil, twinKey('a', 0))
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		for n := range twinKeys {
			err = errors.Join(err, tw.checkPair(s, n))
		}
		again, againErr := s.Get(nil, twinKey('b', 0))
		if errors.Is(againErr, ErrNotFound) {
			againErr = nil
		}
		if string(first) != string(again) {
			err = fmt.Errorf("a snapshot moved from write %d to %d", number(first), number(again))
		}
		if err := errors.Join(err, againErr, s.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (tw *twins) maintain() error {
	for !tw.stop.Load() {
		tw.Metrics()
		_, err := tw.Verify()
		if err := errors.Join(err, tw.Compact(twinKey('a', rand.IntN(twinKeys)), nil), tw.Sync(Relaxed)); err != nil {
			return err
		}
	}
	return nil
}

// during runs do until the writers are through.
func (tw *twins) during(times int, do func() error) {
	for range times {
		tw.wg.Go(func() {
			if err := do(); err != nil {
				tw.t.Error(err)
				tw.stop.Store(true)
			}
		})
	}
}

func TestReadersWritersIteratorsSnapshotsAndCompactionTogether(t *testing.T) {
	const writers = 8
	o := smallOptions()
	o.L0CompactionFiles, o.L0StopFiles = 2, 6
	o.TableSize, o.BaseLevelSize = 4<<10, 8<<10
	tw := &twins{fixture: newFixture(t, o)}
	tw.during(8, tw.readPairs)
	tw.during(2, tw.iterate)
	tw.during(2, tw.useSnapshots)
	tw.during(1, tw.maintain)
	var writing sync.WaitGroup
	for writer := range writers {
		writing.Go(func() {
			if err := tw.write(writer, writers, 150); err != nil {
				t.Error(err)
			}
		})
	}
	writing.Wait()
	tw.stop.Store(true)
	tw.wg.Wait()
	for range 2 {
		for n := range twinKeys {
			if err := tw.checkPair(tw.DB, n); err != nil {
				t.Error(err)
			}
		}
		tw.reopen()
	}
}

func TestFailuresUnderConcurrentWritesHitOnlyThoseThatFailed(t *testing.T) {
	f := newFixture(t, smallOptions())
	var wg sync.WaitGroup
	var failures atomic.Int64
	want := make([]int, 8)
	f.fs.SetRule(failEverySeventh(logSync))
	for writer := range want {
		wg.Go(func() {
			for i := 1; i <= 60; i++ {
				value := strconv.Itoa(i)
				err := f.Put(numberedKey(writer), []byte(value), Durability(i%2))
				switch {
				case err == nil:
					want[writer] = i
				case !errors.Is(err, errInjected):
					t.Error(err)
				default:
					failures.Add(1)
				}
				got, err := f.Get(nil, numberedKey(writer))
				if err != nil && (want[writer] > 0 || !errors.Is(err, ErrNotFound)) {
					t.Error(err)
				} else if err == nil && string(got) != strconv.Itoa(want[writer]) {
					t.Errorf("writer %d reads %s, its last good write is %d", writer, got, want[writer])
				}
			}
		})
	}
	wg.Wait()
	f.fs.SetRule(nil)
	if failures.Load() == 0 {
		t.Error("no write failed")
	}
	f.must(f.Sync(Strict))
	f.crash()
	for writer, i := range want {
		if got, err := f.Get(nil, numberedKey(writer)); err != nil || string(got) != strconv.Itoa(i) {
			t.Errorf("writer %d: %s, %v, want %d", writer, got, err, i)
		}
	}
}
