package compact

import (
	"bytes"
	"sort"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
)

// Keys that come in order, a few at a time, become small tables that overlap nothing: they are
// moved down as they are, and no compaction into the next level merges them. So they are merged
// within their level.

// minSmallRun is how many adjacent small tables are merged, at least, when nobody asks for it.
const minSmallRun = 8

// Rewrite returns the compaction of inputs, tables of one level, into their own level.
func Rewrite(v *manifest.Version, level int, inputs []*manifest.Table, l Limits) *Compaction {
	c := &Compaction{Level: level, Output: level, Version: v, limits: l}
	c.Inputs[0] = closure(v, level, inputs)
	c.grandparents = below(v, level, c.Inputs[0])
	return c
}

// PickRewrite returns the rewrite of the first tables of level that are wanted, or could be one
// with a neighbour; at most a bounded part of them, and nil if there are none. They are among those
// that hold user keys from lower to upper, both inclusive, nil being open, and the last of them
// ends at from or behind: the one before from may be what an earlier rewrite has left.
func PickRewrite(v *manifest.Version, level int, lower, from, upper []byte, l Limits, wanted func(*manifest.Table) bool) *Compaction {
	tables := v.Overlapping(level, lower, upper)
	fitsBefore := func(i int) bool { return i > 0 && fit(v, level, tables[i-1], tables[i], l) }
	start := sort.Search(len(tables), func(i int) bool {
		return bytes.Compare(base.UserKey(tables[i].Largest), from) >= 0
	})
	for start < len(tables) && !wanted(tables[start]) && !fitsBefore(start) {
		start++
	}
	if start == len(tables) {
		return nil
	}
	end := start + 1
	if fitsBefore(start) {
		start--
	}
	total := totalSize(tables[start:end])
	for end < len(tables) && (wanted(tables[end]) || fitsBefore(end)) && total+tables[end].Size <= l.inputLimit() {
		total += tables[end].Size
		end++
	}
	return Rewrite(v, level, tables[start:end], l)
}

// fit reports whether two neighbours of a level could be one table.
func fit(v *manifest.Version, level int, a, b *manifest.Table, l Limits) bool {
	return a.Size+b.Size <= l.fill() && totalSize(below(v, level, []*manifest.Table{a, b})) <= l.grandparentLimit()
}

// pickSmall returns the rewrite of a run of small tables into one.
func pickSmall(v *manifest.Version, l Limits, busy func(*Compaction) bool) *Compaction {
	for level := 1; level < base.NumLevels; level++ {
		tables := v.Levels[level]
		for i := range tables {
			run := smallRun(v, level, tables[i:], l)
			if run == nil {
				continue
			}
			if c := Rewrite(v, level, run, l); !busy(c) {
				return c
			}
		}
	}
	return nil
}

// smallRun returns the longest run that tables begins with, neighbours of a level, that is worth
// being made one table; nil if there is none. That table is at least twice as large as any of
// them: so an entry is rewritten as often as its table can double, and no more.
func smallRun(v *manifest.Version, level int, tables []*manifest.Table, l Limits) (run []*manifest.Table) {
	total, largest := int64(0), int64(0)
	for i, t := range tables {
		total, largest = total+t.Size, max(largest, t.Size)
		if total > l.fill() || totalSize(below(v, level, []*manifest.Table{tables[0], t})) > l.grandparentLimit() {
			break
		}
		if i+1 >= minSmallRun && total >= 2*largest {
			run = tables[:i+1]
		}
	}
	return run
}

// below returns the tables of the next level between the smallest and the largest key of groups,
// tables of the given one.
func below(v *manifest.Version, level int, groups ...[]*manifest.Table) []*manifest.Table {
	if level+1 >= base.NumLevels {
		return nil
	}
	lower, upper := userRange(groups...)
	return v.Overlapping(level+1, lower, upper)
}
