package dbbench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Config of a run. Every field must be set, but Threads and Now.
type Config struct {
	Num       int // keys, and operations of each thread
	ValueSize int // bytes
	Threads   int // goroutines that do the same at once; default 1

	Now func() time.Time // default time.Now
}

// Result of a run.
type Result struct {
	Ops     int64 // of all threads
	Bytes   int64 // keys and values that were written or found
	Threads int
	Elapsed time.Duration
}

// MicrosPerOp returns how many microseconds an operation took its thread.
func (r Result) MicrosPerOp() float64 {
	return float64(r.Elapsed.Nanoseconds()) / 1e3 * float64(r.Threads) / float64(max(r.Ops, 1))
}

// MBPerSecond returns the throughput of all threads, in units of 2^20 bytes.
func (r Result) MBPerSecond() float64 {
	return float64(r.Bytes) / (1 << 20) / max(r.Elapsed.Seconds(), 1e-9)
}

// String is what db_bench prints behind the workload's name.
func (r Result) String() string {
	s := fmt.Sprintf("%11.3f micros/op;", r.MicrosPerOp())
	if r.Bytes > 0 {
		s += fmt.Sprintf(" %7.1f MB/s", r.MBPerSecond())
	}
	return s
}

// Prepare fills a new store with what w begins with.
func (w Workload) Prepare(s Store, c Config) error {
	if !w.loaded {
		return nil
	}
	t := newThread(s, c, 0)
	for _, i := range rand.New(rand.NewPCG(3, 3)).Perm(c.Num) {
		if err := t.put(i); err != nil {
			return fmt.Errorf("%s: prepare: %w", w.Name, err)
		}
	}
	if err := s.Settle(); err != nil {
		return fmt.Errorf("%s: prepare: %w", w.Name, err)
	}
	return nil
}

// Run runs w on a store that Prepare has prepared.
func (w Workload) Run(s Store, c Config) (Result, error) {
	c.Threads = max(c.Threads, 1)
	if c.Now == nil {
		c.Now = time.Now
	}
	threads := make([]*thread, c.Threads)
	for i := range threads {
		threads[i] = newThread(s, c, 1+i)
	}
	start := c.Now()
	err := w.runThreads(threads, newThread(s, c, 1+len(threads)))
	r := Result{Threads: c.Threads, Elapsed: c.Now().Sub(start)}
	for _, t := range threads {
		r.Ops += t.ops
		r.Bytes += t.bytes
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", w.Name, err)
	}
	return r, nil
}

// runThreads returns when all threads have ended, and then the one beside them.
func (w Workload) runThreads(threads []*thread, extra *thread) error {
	var running, beside sync.WaitGroup
	var done atomic.Bool
	errs := make([]error, len(threads)+1)
	for i, t := range threads {
		running.Go(func() { errs[i] = w.run(t, max(t.config.Num/w.Divisor, 1)) })
	}
	if w.beside != nil {
		beside.Go(func() { errs[len(threads)] = w.beside(extra, &done) })
	}
	running.Wait()
	done.Store(true)
	beside.Wait()
	return errors.Join(errs...)
}
