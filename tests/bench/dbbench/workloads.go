package dbbench

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// Workload is one of db_bench's.
type Workload struct {
	Name string

	// Divisor of Config.Num for the number of operations: 1, but for what waits for the medium.
	Divisor int

	loaded bool // it begins with a store that Prepare has filled
	run    func(t *thread, n int) error
	beside func(t *thread, done *atomic.Bool) error // runs while the threads do, if not nil
}

// Workloads returns all workloads.
func Workloads() []Workload {
	return []Workload{
		{Name: "fillseq", Divisor: 1, run: fillSequential},
		{Name: "fillsync", Divisor: 1000, run: fillSync},
		{Name: "fillrandom", Divisor: 1, run: fillRandom},
		{Name: "fillbatch", Divisor: 1, run: fillBatch},
		{Name: "overwrite", Divisor: 1, loaded: true, run: fillRandom},
		{Name: "readrandom", Divisor: 1, loaded: true, run: readRandom},
		{Name: "readmissing", Divisor: 1, loaded: true, run: readMissing},
		{Name: "readseq", Divisor: 1, loaded: true, run: scan(false)},
		{Name: "readreverse", Divisor: 1, loaded: true, run: scan(true)},
		{Name: "seekrandom", Divisor: 1, loaded: true, run: seekRandom},
		{Name: "deleterandom", Divisor: 1, loaded: true, run: deleteRandom},
		{Name: "readwhilewriting", Divisor: 1, loaded: true, run: readYielding, beside: overwriteUntil},
	}
}

// Find returns the workload of that name.
func Find(name string) (Workload, error) {
	for _, w := range Workloads() {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("no workload is called %q", name)
}

// batchLen is the number of entries that fillbatch writes at once.
const batchLen = 1000

func fillSequential(t *thread, n int) error {
	for i := range n {
		if err := t.put(i); err != nil {
			return err
		}
	}
	return nil
}

func fillRandom(t *thread, n int) error {
	for range n {
		if err := t.put(t.randomKey()); err != nil {
			return err
		}
	}
	return nil
}

func fillSync(t *thread, n int) error {
	for range n {
		key, value := t.keyOf(t.randomKey()), t.values.next()
		if err := t.store.PutSync(key, value); err != nil {
			return err
		}
		t.did(1, len(key)+len(value))
	}
	return nil
}

func fillBatch(t *thread, n int) error {
	var keys, values [batchLen][]byte
	for start := 0; start < n; start += batchLen {
		count := min(batchLen, n-start)
		for i := range count {
			keys[i] = append(keys[i][:0], t.keyOf(start+i)...)
			values[i] = append(values[i][:0], t.values.next()...)
		}
		if err := t.store.PutAll(keys[:count], values[:count]); err != nil {
			return err
		}
		t.did(count, count*(keyLen+t.config.ValueSize))
	}
	return nil
}

func readRandom(t *thread, n int) error {
	for range n {
		if err := t.get(t.keyOf(t.randomKey()), true); err != nil {
			return err
		}
	}
	return nil
}

func readMissing(t *thread, n int) error {
	for range n {
		if err := t.get(append(t.keyOf(t.randomKey()), '.'), false); err != nil {
			return err
		}
	}
	return nil
}

// readYielding is readRandom that lets others run after each operation: with one processor and
// no preemption, as in WebAssembly, reader and writer would else run one after the other.
func readYielding(t *thread, n int) error {
	for range n {
		if err := t.get(t.keyOf(t.randomKey()), true); err != nil {
			return err
		}
		runtime.Gosched()
	}
	return nil
}

func overwriteUntil(t *thread, done *atomic.Bool) error {
	for !done.Load() {
		if err := t.put(t.randomKey()); err != nil {
			return err
		}
		runtime.Gosched()
	}
	return nil
}

func scan(reverse bool) func(t *thread, n int) error {
	return func(t *thread, _ int) error {
		entries, bytes, err := readAll(t.store, reverse)
		if err == nil && entries != int64(t.config.Num) {
			err = fmt.Errorf("%d entries scanned, %d are stored", entries, t.config.Num)
		}
		t.did(int(entries), int(bytes))
		return err
	}
}

func seekRandom(t *thread, n int) error {
	for range n {
		key := t.keyOf(t.randomKey())
		found, err := findFrom(t.store, key)
		if err == nil && !found {
			err = fmt.Errorf("nothing is found from %s on", key)
		}
		if err != nil {
			return err
		}
		t.did(1, 0)
	}
	return nil
}

func deleteRandom(t *thread, n int) error {
	for range n {
		if err := t.store.Delete(t.keyOf(t.randomKey())); err != nil {
			return err
		}
		t.did(1, 0)
	}
	return nil
}
