package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestKeyOrderIsThatOfTheBytesAndOfEqualKeysTheLastFirst(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	shapes := map[string]func() string{
		"numbers":       func() string { return fmt.Sprintf("%016d", rng.IntN(3000)) },
		"few bytes":     func() string { return string([]byte{byte(rng.IntN(3)), byte(rng.IntN(3))}[:rng.IntN(3)]) },
		"any bytes":     func() string { return fmt.Sprintf("%016x", rng.Uint64())[:rng.IntN(17)] },
		"late":          func() string { return fmt.Sprintf("a%08d%08d", rng.IntN(2), rng.IntN(50)) },
		"zeros":         func() string { return string(make([]byte, rng.IntN(12))) },
		"high and low":  func() string { return string([]byte{byte(rng.Uint32()), byte(rng.Uint32())}) },
		"one like all":  func() string { return "key" },
		"prefix of all": func() string { return "prefix"[:1+rng.IntN(6)] },
	}
	var order keyOrder
	for name, key := range shapes {
		for _, n := range []int{0, 1, 2, radixFrom - 1, radixFrom, 1000} {
			keys := make([][]byte, n)
			want := make([]int, n)
			for i := range keys {
				keys[i], want[i] = []byte(key()), n-1-i
			}
			slices.SortStableFunc(want, func(a, b int) int { return bytes.Compare(keys[a], keys[b]) })
			var got []int
			for _, p := range order.of(n, func(i int) []byte { return keys[i] }) {
				got = append(got, p.i)
			}
			if !slices.Equal(got, want) && n > 0 {
				t.Errorf("%s, %d keys: got %v, want %v", name, n, got, want)
			}
		}
	}
}

func BenchmarkSortRandomKeys(b *testing.B) {
	keys := make([][]byte, 1000)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "%016d", rand.IntN(100_000))
	}
	var order keyOrder
	b.ReportAllocs()
	for b.Loop() {
		order.of(len(keys), func(i int) []byte { return keys[i] })
	}
}
