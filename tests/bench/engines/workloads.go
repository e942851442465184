package main

import (
	"fmt"
	"math/rand/v2"
)

// workload is one of db_bench's. run returns how many operations it made.
type workload struct {
	name    string
	prepare func(s store, n int) error
	run     func(s store, n int) (ops int, err error)
}

var workloads = []workload{
	{"fillseq", nil, fillSequential},
	{"fillrandom", nil, fillRandom},
	{"overwrite", fillAndSettle, fillRandom},
	{"readrandom", fillAndSettle, func(s store, n int) (int, error) { return read(s, n, "") }},
	{"readmissing", fillAndSettle, func(s store, n int) (int, error) { return read(s, n, ".") }},
	{"readseq", fillAndSettle, func(s store, n int) (int, error) { return s.scan(false) }},
	{"readreverse", fillAndSettle, func(s store, n int) (int, error) { return s.scan(true) }},
	{"seekrandom", fillAndSettle, seekRandom},
	{"deleterandom", fillAndSettle, deleteRandom},
}

func key(buffer []byte, i int, suffix string) []byte {
	return fmt.Appendf(buffer[:0], "%016d%s", i, suffix)
}

// values yields values of 100 bytes that compress to about half.
type values struct {
	rng  *rand.Rand
	data [100]byte
}

func newValues() *values { return &values{rng: rand.New(rand.NewPCG(1, 1))} }

func (v *values) next() []byte {
	for i := 0; i < 50; i += 5 {
		bits := v.rng.Uint64()
		for j := range 5 {
			v.data[i+j] = ' ' + byte(bits>>(8*j))%95
		}
	}
	copy(v.data[50:], v.data[:50])
	return v.data[:]
}

func fillSequential(s store, n int) (int, error) {
	var buffer []byte
	v := newValues()
	for i := range n {
		buffer = key(buffer, i, "")
		if err := s.put(buffer, v.next()); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func fillRandom(s store, n int) (int, error) {
	var buffer []byte
	v := newValues()
	rng := rand.New(rand.NewPCG(2, 2))
	for range n {
		buffer = key(buffer, rng.IntN(n), "")
		if err := s.put(buffer, v.next()); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// fillAndSettle writes every key once, in random order, and waits for compactions.
func fillAndSettle(s store, n int) error {
	var buffer []byte
	v := newValues()
	for _, i := range rand.New(rand.NewPCG(3, 3)).Perm(n) {
		buffer = key(buffer, i, "")
		if err := s.put(buffer, v.next()); err != nil {
			return err
		}
	}
	return s.settle()
}

func read(s store, n int, suffix string) (int, error) {
	var buffer []byte
	rng := rand.New(rand.NewPCG(4, 4))
	for range n {
		buffer = key(buffer, rng.IntN(n), suffix)
		found, err := s.get(buffer)
		if err != nil {
			return 0, err
		}
		if found != (suffix == "") {
			return 0, fmt.Errorf("%s: found: %t", buffer, found)
		}
	}
	return n, nil
}

func seekRandom(s store, n int) (int, error) {
	var buffer []byte
	rng := rand.New(rand.NewPCG(5, 5))
	n /= 3
	for range n {
		buffer = key(buffer, rng.IntN(n), "")
		if err := s.seek(buffer); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func deleteRandom(s store, n int) (int, error) {
	var buffer []byte
	for _, i := range rand.New(rand.NewPCG(6, 6)).Perm(n) {
		buffer = key(buffer, i, "")
		if err := s.del(buffer); err != nil {
			return 0, err
		}
	}
	return n, nil
}
