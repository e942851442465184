package model

import (
	"maps"
	"slices"
)

// oracle is the sorted map: what the store must answer.
type oracle struct {
	values    map[string]string
	snapshots map[string]map[string]string
	iterators map[string]*oracleIterator
}

type pair struct{ key, value string }

func newOracle() *oracle {
	return &oracle{
		values:    map[string]string{},
		snapshots: map[string]map[string]string{},
		iterators: map[string]*oracleIterator{},
	}
}

// within returns the pairs with lower <= key < upper in order; "" bounds nothing.
func within(values map[string]string, lower, upper string) []pair {
	var pairs []pair
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if key >= lower && (upper == "" || key < upper) {
			pairs = append(pairs, pair{key, values[key]})
		}
	}
	return pairs
}

func scan(values map[string]string, lower, upper string, reverse bool, limit int) []pair {
	pairs := within(values, lower, upper)
	if reverse {
		slices.Reverse(pairs)
	}
	return pairs[:min(limit, len(pairs))]
}

func (o *oracle) clear(lower, upper string) {
	for _, p := range within(o.values, lower, upper) {
		delete(o.values, p.key)
	}
}

// oracleIterator stands on one of its pairs, or nowhere (-1).
type oracleIterator struct {
	pairs []pair
	at    int
}

func (it *oracleIterator) move(verb, key string) {
	switch verb {
	case "first":
		it.at = 0
	case "last":
		it.at = len(it.pairs) - 1
	case "seekge":
		it.at = it.firstFrom(key)
	case "seeklt":
		it.at = it.firstFrom(key) - 1
	case "next":
		if it.at >= 0 {
			it.at++
		}
	case "prev":
		if it.at >= 0 {
			it.at--
		}
	}
	if it.at >= len(it.pairs) {
		it.at = -1
	}
}

func (it *oracleIterator) firstFrom(key string) int {
	i, _ := slices.BinarySearchFunc(it.pairs, key, func(p pair, key string) int {
		switch {
		case p.key < key:
			return -1
		case p.key > key:
			return +1
		}
		return 0
	})
	return i
}

func (it *oracleIterator) current() (pair, bool) {
	if it.at < 0 {
		return pair{}, false
	}
	return it.pairs[it.at], true
}
