package crash

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

const countKey = "count"

// workload makes writes, flushes, compactions and reopenings, in an order that its seed decides.
type workload struct {
	rng     *rand.Rand
	options engine.Options
	steps   int

	// states[k] is what the store holds after write k.
	states []map[string]string

	begun   atomic.Int64 // number of the last write that was begun
	strict  atomic.Int64 // of the last that was acknowledged with strict durability
	relaxed atomic.Int64 // with relaxed or strict durability

	// mayFail: writes may fail, and are then left out of what follows.
	mayFail bool
	failed  int
}

func newWorkload(seed uint64, steps int) *workload {
	rng := rand.New(rand.NewPCG(seed, 0))
	l0 := 1 + rng.IntN(3)
	return &workload{
		rng:   rng,
		steps: steps,
		options: engine.Options{
			MemtableSize: 4 << 10 << rng.IntN(3), TableSize: 4 << 10, BaseLevelSize: 16 << 10,
			BlockSize: 256, BlockCacheSize: 16 << 10,
			L0CompactionFiles: l0, L0SlowdownFiles: 2 * l0, L0StopFiles: 3 * l0,
		},
		states: []map[string]string{{}},
	}
}

// run carries the workload out on fs. It ends early, with nil, once stop returns true.
func (w *workload) run(fs vfs.FS) error {
	db, err := engine.Open(fs, &w.options)
	if err != nil {
		return err
	}
	for range w.steps {
		switch n := w.rng.IntN(100); {
		case n < 2:
			err = db.Flush()
		case n < 3:
			err = db.Compact(nil, nil)
		case n < 5:
			if err := db.Close(); err != nil {
				return fmt.Errorf("close: %w", err)
			}
			if db, err = engine.Open(fs, &w.options); err != nil {
				return fmt.Errorf("reopen: %w", err)
			}
		case n < 8:
			err = db.Sync(engine.Strict)
			if err == nil {
				w.strict.Store(w.begun.Load())
				w.relaxed.Store(w.begun.Load())
			}
		default:
			err = w.write(db)
		}
		if err != nil && !w.mayFail {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// write makes the next write, of one to thirty entries beside the count.
func (w *workload) write(db *engine.DB) error {
	number := len(w.states)
	state := maps.Clone(w.states[number-1])
	var b engine.Batch
	var errs []error
	for range 1 + w.rng.IntN(30)*w.rng.IntN(2) {
		key := "key" + strconv.Itoa(w.rng.IntN(150))
		if w.rng.IntN(4) == 0 {
			errs = append(errs, b.Delete([]byte(key)))
			delete(state, key)
			continue
		}
		value := strings.Repeat(strconv.Itoa(number)+".", 1+w.rng.IntN(20))
		if w.rng.IntN(100) == 0 {
			value = strings.Repeat(value, 500)
		}
		errs = append(errs, b.Put([]byte(key), []byte(value)))
		state[key] = value
	}
	state[countKey] = strconv.Itoa(number)
	errs = append(errs, b.Put([]byte(countKey), []byte(state[countKey])))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	durability := engine.Durability(w.rng.IntN(3))
	w.states = append(w.states, state)
	w.begun.Store(int64(number))
	if err := db.Apply(&b, durability); err != nil {
		w.states = w.states[:number]
		w.begun.Store(int64(number - 1))
		w.failed++
		return err
	}
	w.acknowledge(number, durability)
	return nil
}

func (w *workload) acknowledge(number int, d engine.Durability) {
	if d == engine.Strict {
		w.strict.Store(int64(number))
	}
	if d != engine.Deferred {
		w.relaxed.Store(int64(number))
	}
}

// contents reads the whole store, forward and backward, and its count.
func contents(db *engine.DB) (map[string]string, int, error) {
	it, err := db.NewIterator(engine.IterOptions{})
	if err != nil {
		return nil, 0, err
	}
	got := map[string]string{}
	for valid := it.First(); valid; valid = it.Next() {
		got[string(it.Key())] = string(it.Value())
	}
	backward := 0
	for valid := it.Error() == nil && it.Last(); valid; valid = it.Prev() {
		if got[string(it.Key())] != string(it.Value()) {
			err = fmt.Errorf("%q is %q forward, %q backward", it.Key(), got[string(it.Key())], it.Value())
		}
		backward++
	}
	if err == nil && it.Error() == nil && backward != len(got) {
		err = fmt.Errorf("%d keys forward, %d backward", len(got), backward)
	}
	count := 0
	if text, found := got[countKey]; found {
		count, _ = strconv.Atoi(text)
	}
	return got, count, errors.Join(err, it.Error(), it.Close())
}

// check opens the store in fs and fails unless it holds what writes 1 to some k leave, with
// low <= k <= high, and is in order. It then writes to it, and opens it again.
func (w *workload) check(fs vfs.FS, states []map[string]string, low, high int) error {
	db, err := engine.Open(fs, &w.options)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	got, count, err := contents(db)
	switch {
	case err != nil:
	case count < low || count > high:
		err = fmt.Errorf("recovered the writes up to %d, want at least %d and at most %d", count, low, high)
	case !maps.Equal(got, states[count]):
		err = fmt.Errorf("recovered %d keys that are not those after write %d, which are %d", len(got), count, len(states[count]))
	}
	if err == nil {
		err = errors.Join(db.Put([]byte("after"), []byte("crash"), engine.Strict), db.Flush(), db.Check())
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if db, err = engine.Open(fs, &w.options); err != nil {
		return fmt.Errorf("reopen after recovery: %w", err)
	}
	value, err := db.Get(nil, []byte("after"))
	if err == nil && string(value) != "crash" {
		err = fmt.Errorf("a write after recovery reads %q", value)
	}
	return errors.Join(err, db.Close())
}
