package dbbench

import (
	"fmt"
	"math/rand/v2"
)

const keyLen = 16

// thread is the state of one of a workload's goroutines.
type thread struct {
	store  Store
	config Config
	rng    *rand.Rand
	values values

	ops, bytes int64
	key, value []byte
}

func newThread(s Store, c Config, number int) *thread {
	rng := rand.New(rand.NewPCG(uint64(number), 1))
	return &thread{store: s, config: c, rng: rng, values: newValues(rng, c.ValueSize)}
}

func (t *thread) did(ops, bytes int) {
	t.ops += int64(ops)
	t.bytes += int64(bytes)
}

func (t *thread) randomKey() int { return t.rng.IntN(t.config.Num) }

// keyOf returns key number i. It holds until the next call.
func (t *thread) keyOf(i int) []byte {
	key := append(t.key[:0], "0000000000000000"...)
	for at := keyLen - 1; i > 0; at-- {
		key[at] = byte('0' + i%10)
		i /= 10
	}
	t.key = key
	return key
}

func (t *thread) put(i int) error {
	key, value := t.keyOf(i), t.values.next()
	if err := t.store.Put(key, value); err != nil {
		return err
	}
	t.did(1, len(key)+len(value))
	return nil
}

func (t *thread) get(key []byte, want bool) error {
	value, found, err := t.store.Get(t.value, key)
	switch {
	case err != nil:
		return err
	case found != want:
		return fmt.Errorf("get %s: found: %t, but stored: %t", key, found, want)
	case found && len(value) != t.config.ValueSize:
		return fmt.Errorf("get %s: value of %d bytes, %d were stored", key, len(value), t.config.ValueSize)
	case found:
		t.value = value
		t.did(1, len(key)+len(value))
	default:
		t.did(1, 0)
	}
	return nil
}

// values yields printable values that compress to about half.
type values struct {
	rng  *rand.Rand
	data []byte
}

func newValues(rng *rand.Rand, size int) values { return values{rng, make([]byte, size)} }

// next returns the next value. It holds until the next call.
func (v *values) next() []byte {
	half := v.data[:(len(v.data)+1)/2]
	for i := 0; i < len(half); i += 5 {
		bits := v.rng.Uint64()
		for j := i; j < min(i+5, len(half)); j++ {
			half[j] = ' ' + byte(bits)%95
			bits >>= 8
		}
	}
	copy(v.data[len(half):], half)
	return v.data
}
