//go:build !js

package interop

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

var seedFlag = flag.Uint64("interop.seed", 0, "seed of random content; 0 draws one")

// write is one operation on a store.
type write struct {
	key, value []byte
	deletion   bool
}

// history draws writes, and knows what is stored after them.
type history struct {
	rng    *rand.Rand
	stored map[string]string
	used   []string // every key ever written
}

func newHistory(t *testing.T) *history {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-interop.seed=%d", seed)
	return &history{rng: rand.New(rand.NewPCG(seed, 0)), stored: map[string]string{}}
}

// draw returns n writes that follow those drawn before.
func (c *history) draw(n int) []write {
	writes := make([]write, n)
	for i := range writes {
		w := write{key: c.key(), deletion: c.rng.IntN(6) == 0}
		if w.deletion {
			delete(c.stored, string(w.key))
		} else {
			w.value = c.value()
			c.stored[string(w.key)] = string(w.value)
		}
		c.used = append(c.used, string(w.key))
		writes[i] = w
	}
	return writes
}

// key returns a key: one used before in a third of all cases, else of every kind of bytes.
func (c *history) key() []byte {
	if len(c.used) > 0 && c.rng.IntN(3) == 0 {
		return []byte(c.used[c.rng.IntN(len(c.used))])
	}
	switch c.rng.IntN(12) {
	case 0:
		return c.bytes(1 + c.rng.IntN(3))
	case 1:
		return bytes.Repeat([]byte{[]byte{0, 0x7f, 0xff}[c.rng.IntN(3)]}, 1+c.rng.IntN(20))
	case 2:
		return append([]byte("a long prefix that many keys have in common/"), c.bytes(1+c.rng.IntN(300))...)
	case 3, 4:
		return c.bytes(1 + c.rng.IntN(24))
	}
	return fmt.Appendf(nil, "key%07d", c.rng.IntN(1_000_000))
}

func (c *history) value() []byte {
	switch c.rng.IntN(200) {
	case 0:
		return c.bytes(50_000 + c.rng.IntN(100_000))
	case 1:
		return bytes.Repeat([]byte("compressible "), 5000)
	}
	switch c.rng.IntN(10) {
	case 0:
		return nil
	case 1:
		return c.bytes(c.rng.IntN(2000))
	}
	return fmt.Appendf(nil, "value %d of some words that compress", c.rng.Uint64())
}

func (c *history) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.rng.Uint32())
	}
	return b
}

// entry is what an iterator stands on.
type entry struct{ key, value string }

// store is an open store of either kind.
type store interface {
	apply(batch []write) error
	forward() ([]entry, error)
	backward() ([]entry, error)
	get(key string) (value string, found bool, err error)
}

// fill applies writes in batches of random lengths.
func fill(t *testing.T, s store, rng *rand.Rand, writes []write) {
	t.Helper()
	for len(writes) > 0 {
		n := min(len(writes), 1+rng.IntN(20))
		if err := s.apply(writes[:n]); err != nil {
			t.Fatal(err)
		}
		writes = writes[n:]
	}
}

// expect fails unless s holds exactly c's content, in order, in both directions and by key.
func expect(t *testing.T, s store, c *history) {
	t.Helper()
	want := make([]entry, 0, len(c.stored))
	for _, key := range slices.Sorted(maps.Keys(c.stored)) {
		want = append(want, entry{key, c.stored[key]})
	}
	got, err := s.forward()
	expectEntries(t, "forward", got, want, err)
	slices.Reverse(want)
	got, err = s.backward()
	expectEntries(t, "backward", got, want, err)
	for _, key := range append(slices.Clone(c.used), "absent", "key", "key0500000x", "\xff\xff\xff\xff\xfe") {
		wantValue, wantFound := c.stored[key]
		value, found, err := s.get(key)
		if err != nil || found != wantFound || value != wantValue {
			t.Fatalf("get %q: %.60q, %t, %v; want %.60q, %t", key, value, found, err, wantValue, wantFound)
		}
	}
}

func expectEntries(t *testing.T, direction string, got, want []entry, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("read %s: %v", direction, err)
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("read %s: entry %d is %q with %.60q, want %q with %.60q",
				direction, i, got[i].key, got[i].value, want[i].key, want[i].value)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("read %s: %d entries, want %d", direction, len(got), len(want))
	}
}
