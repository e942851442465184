package model

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Generate makes a random program of n operations.
func Generate(rng *rand.Rand, n int) Program {
	g := generator{rng: rng, keys: 20 + rng.IntN(2000), maxValue: []int{8, 100, 2000}[rng.IntN(3)]}
	p := Program{randomOptions(rng)}
	for range n {
		p = append(p, g.op())
	}
	return p
}

type generator struct {
	rng      *rand.Rand
	keys     int // about how many different ones
	maxValue int
}

// weights of the kinds of operations, out of their sum.
var weights = []struct {
	weight int
	make   func(g *generator) Op
}{
	{300, func(g *generator) Op { return Op{"put", []string{g.key(), g.value(), g.durability()}} }},
	{100, func(g *generator) Op { return Op{"del", []string{g.key(), g.durability()}} }},
	{40, (*generator).batch},
	{2, func(g *generator) Op { return Op{"clear", g.bounds()} }},
	{3, (*generator).ingest},
	{150, func(g *generator) Op { return Op{"get", []string{g.key()}} }},
	{30, func(g *generator) Op { return Op{"tryget", []string{g.key()}} }},
	{20, func(g *generator) Op { return Op{"has", []string{g.key()}} }},
	{10, func(g *generator) Op { return Op{"getmany", g.many()} }},
	{20, func(g *generator) Op { return Op{"scan", g.scan()} }},
	{5, func(g *generator) Op { return Op{"snapshot", []string{g.name()}} }},
	{30, func(g *generator) Op { return Op{"getat", []string{g.name(), g.key()}} }},
	{5, func(g *generator) Op { return Op{"scanat", append([]string{g.name()}, g.scan()...)} }},
	{4, func(g *generator) Op { return Op{"release", []string{g.name()}} }},
	{5, func(g *generator) Op { return Op{"iterator", append([]string{g.name()}, g.bounds()...)} }},
	{80, func(g *generator) Op { return Op{g.one("next", "prev"), []string{g.name()}} }},
	{20, func(g *generator) Op { return Op{g.one("first", "last"), []string{g.name()}} }},
	{40, func(g *generator) Op { return Op{g.one("seekge", "seeklt"), []string{g.name(), g.key()}} }},
	{4, func(g *generator) Op { return Op{"close", []string{g.name()}} }},
	{3, func(g *generator) Op { return Op{g.one("sync", "flush", "verify", "check"), nil} }},
	{2, func(g *generator) Op { return Op{"compact", g.bounds()} }},
	{1, func(g *generator) Op { return Op{"reopen", nil} }},
}

func (g *generator) op() Op {
	sum := 0
	for _, w := range weights {
		sum += w.weight
	}
	at := g.rng.IntN(sum)
	for _, w := range weights {
		if at -= w.weight; at < 0 {
			return w.make(g)
		}
	}
	panic("unreachable: the weights add up to their sum")
}

func (g *generator) one(choices ...string) string { return choices[g.rng.IntN(len(choices))] }

func (g *generator) key() string {
	n := g.rng.IntN(g.keys)
	switch n % 10 {
	case 0:
		return strconv.Itoa(n)
	case 1:
		return strings.Repeat(string(rune('a'+n%3)), 1+n%40)
	case 2:
		return string([]byte{byte(n), 0, 0xff}[:1+n%3])
	}
	return "key/" + strconv.Itoa(n%7) + "/" + strconv.Itoa(n)
}

func (g *generator) value() string {
	if g.rng.IntN(500) == 0 {
		return strings.Repeat("large", g.rng.IntN(8000))
	}
	value := make([]byte, g.rng.IntN(g.maxValue))
	for i := range value {
		value[i] = byte('a' + g.rng.IntN(1+i%26))
	}
	return string(value)
}

func (g *generator) durability() string {
	return g.one("relaxed", "relaxed", "relaxed", "strict", "deferred", "deferred")
}

func (g *generator) name() string { return g.one("a", "b", "c") }

func (g *generator) bounds() []string {
	lower, upper := g.key(), g.key()
	if lower > upper {
		lower, upper = upper, lower
	}
	switch g.rng.IntN(4) {
	case 0:
		lower = ""
	case 1:
		upper = ""
	}
	return []string{lower, upper}
}

func (g *generator) scan() []string {
	return append(g.bounds(), g.one("forward", "reverse"), strconv.Itoa(1+g.rng.IntN(200)))
}

func (g *generator) many() []string {
	keys := make([]string, 1+g.rng.IntN(30))
	for i := range keys {
		keys[i] = g.key()
	}
	return keys
}

func (g *generator) ingest() Op {
	var args []string
	last := ""
	for _, key := range slices.Sorted(slices.Values(g.many())) {
		if key != last {
			args = append(args, key, g.value())
		}
		last = key
	}
	return Op{"ingest", args}
}

func (g *generator) batch() Op {
	args := []string{g.durability()}
	for range 1 + g.rng.IntN(40) {
		if g.rng.IntN(3) == 0 {
			args = append(args, "del", g.key())
		} else {
			args = append(args, "put", g.key(), g.value())
		}
	}
	return Op{"batch", args}
}
