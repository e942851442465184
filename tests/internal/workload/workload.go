package workload

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

const countKey = "count"

// Workload is a store, and the history of what was written to it.
type Workload struct {
	Options engine.Options
	DB      *engine.DB // nil while the store is closed

	// States[k] is what the store holds if write k is the last one in it.
	States []map[string]string

	Begun   atomic.Int64 // number of the last write that was begun
	Strict  atomic.Int64 // of the last that is safe from a loss of power
	Relaxed atomic.Int64 // of the last that is safe from the end of the process

	// TailsStay says that the medium may keep what a failed write put into a log or a manifest. Such
	// a write may come back if the process ends before the store has taken another one.
	TailsStay bool

	rng      *rand.Rand
	fs       vfs.FS
	current  int          // the write whose state the store holds
	failed   map[int]bool // writes that returned an error
	doubtful int          // the first of those since a write, sync or close succeeded; 0: none
}

// New returns the workload of that seed on a store in fs. The store is closed.
func New(seed uint64, fs vfs.FS) *Workload {
	rng := rand.New(rand.NewPCG(seed, 0))
	l0 := 1 + rng.IntN(3)
	return &Workload{
		rng: rng,
		fs:  fs,
		Options: engine.Options{
			MemtableSize: 4 << 10 << rng.IntN(3), TableSize: 4 << 10, BaseLevelSize: 16 << 10,
			BlockSize: 256, BlockCacheSize: 16 << 10, Compression: engine.Compression(rng.IntN(2)),
			L0CompactionFiles: l0, L0StopFiles: 3 * l0,
		},
		States: []map[string]string{{}},
		failed: map[int]bool{},
	}
}

// Open opens the store.
func (w *Workload) Open() (err error) {
	if w.DB, err = engine.Open(w.fs, &w.Options); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	return nil
}

// Close closes the store, whatever it returns.
func (w *Workload) Close() error {
	db := w.DB
	w.DB = nil
	if err := db.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	w.doubtful = 0
	w.markDurable(engine.Strict)
	return nil
}

// Step does one thing that chance decides. After an error the store may be closed.
func (w *Workload) Step() error {
	switch n := w.rng.IntN(100); {
	case n < 2:
		return w.DB.Flush()
	case n < 3:
		return w.DB.Compact(nil, nil)
	case n < 5:
		if err := w.Close(); err != nil {
			return err
		}
		return w.Open()
	case n < 8:
		return w.Sync()
	case n < 10:
		return w.DeleteRange()
	case n < 12:
		return w.Ingest()
	}
	return w.Write()
}

// Sync makes everything written so far safe from a loss of power.
func (w *Workload) Sync() error {
	if err := w.DB.Sync(engine.Strict); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	w.doubtful = 0
	w.markDurable(engine.Strict)
	return nil
}

// Write makes the next write, of one to thirty entries beside the count.
func (w *Workload) Write() error {
	number := len(w.States)
	state := maps.Clone(w.States[w.current])
	var b engine.Batch
	var errs []error
	for range 1 + w.rng.IntN(30)*w.rng.IntN(2) {
		key := "key" + strconv.Itoa(w.rng.IntN(150))
		if w.rng.IntN(4) == 0 {
			errs = append(errs, b.Delete([]byte(key)))
			delete(state, key)
			continue
		}
		value := w.value(number)
		errs = append(errs, b.Put([]byte(key), []byte(value)))
		state[key] = value
	}
	state[countKey] = strconv.Itoa(number)
	errs = append(errs, b.Put([]byte(countKey), []byte(state[countKey])))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	durability := engine.Durability(w.rng.IntN(3))
	return w.do(number, state, durability, func() error { return w.DB.Apply(&b, durability) })
}

// DeleteRange makes the next write, which deletes at least one key, and half the time all but the
// count, so that it covers whole tables.
func (w *Workload) DeleteRange() error {
	state := maps.Clone(w.States[w.current])
	lower := "key" + strconv.Itoa(w.rng.IntN(150))
	upper := "key" + strconv.Itoa(w.rng.IntN(150))
	if upper < lower {
		lower, upper = upper, lower
	}
	if w.rng.IntN(2) == 0 {
		lower, upper = "key", "kez"
	}
	maps.DeleteFunc(state, func(key, _ string) bool { return lower <= key && key < upper })
	if len(state) == len(w.States[w.current]) {
		return w.Write()
	}
	durability := engine.Durability(w.rng.IntN(3))
	return w.do(len(w.States), state, durability, func() error {
		return w.DB.DeleteRange([]byte(lower), []byte(upper), durability)
	})
}

// Ingest makes the next write, which stores keys in their order, beside the count.
func (w *Workload) Ingest() error {
	number := len(w.States)
	state := maps.Clone(w.States[w.current])
	entries := map[string]string{countKey: strconv.Itoa(number)}
	for range 1 + w.rng.IntN(40) {
		entries["key"+strconv.Itoa(w.rng.IntN(150))] = w.value(number)
	}
	maps.Copy(state, entries)
	return w.do(number, state, engine.Strict, func() error {
		return w.DB.Ingest(func(yield func(key, value []byte) bool) {
			for _, key := range slices.Sorted(maps.Keys(entries)) {
				if !yield([]byte(key), []byte(entries[key])) {
					return
				}
			}
		})
	})
}

// do carries out a write that leads to state, and notes how it ended.
func (w *Workload) do(number int, state map[string]string, d engine.Durability, write func() error) error {
	w.States = append(w.States, state)
	w.Begun.Store(int64(number))
	if err := write(); err != nil {
		w.failed[number] = true
		if w.doubtful == 0 {
			w.doubtful = number
		}
		return fmt.Errorf("write %d: %w", number, err)
	}
	w.current, w.doubtful = number, 0
	w.markDurable(d)
	return nil
}

func (w *Workload) value(number int) string {
	value := strings.Repeat(strconv.Itoa(number)+".", 1+w.rng.IntN(20))
	if w.rng.IntN(100) == 0 {
		value = strings.Repeat(value, 500)
	}
	return value
}

// markDurable notes that all writes that the store holds are durable to degree d.
func (w *Workload) markDurable(d engine.Durability) {
	if d == engine.Strict {
		w.Strict.Store(int64(w.current))
	}
	if d != engine.Deferred {
		w.Relaxed.Store(int64(w.current))
	}
}
