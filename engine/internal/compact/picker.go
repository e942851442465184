package compact

import (
	"bytes"
	"math"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
)

// levelFactor is how many times larger a level may be than the one above it.
const levelFactor = 10

// Limits are the sizes that picking goes by, in bytes but for L0Files.
type Limits struct {
	TableSize     int64
	BaseLevelSize int64
	L0Files       int
}

// grandparentLimit bounds how much of the level after the next a single output may overlap, so
// that compacting it later stays cheap.
func (l Limits) grandparentLimit() int64 { return 10 * l.TableSize }

// inputLimit bounds what a compaction takes in when it may choose.
func (l Limits) inputLimit() int64 { return 25 * l.TableSize }

// fill is the size up to which tables are merged into one. Their output is cut before it has the
// size of a table: its last block and its index count there as they are before compression.
func (l Limits) fill() int64 { return l.TableSize - l.TableSize/8 }

func (l Limits) maxSize(level int) int64 {
	size := l.BaseLevelSize
	for ; level > 1; level-- {
		size *= levelFactor
	}
	return size
}

// Compaction names what is merged.
type Compaction struct {
	Level   int // of Inputs[0]; Inputs[1] and the output belong to Output
	Output  int
	Inputs  [2][]*manifest.Table
	Version *manifest.Version

	// MoveAllowed: a table that overlaps nothing may be moved as it is.
	MoveAllowed bool

	grandparents []*manifest.Table
	limits       Limits
}

// Score says how much level needs compacting; from 1 on it does.
func Score(v *manifest.Version, level int, l Limits) float64 {
	switch {
	case level == 0:
		return float64(len(v.Levels[0])) / float64(l.L0Files)
	case level >= base.NumLevels-1:
		return 0
	}
	return float64(v.LevelSize(level)) / float64(l.maxSize(level))
}

// Pick returns the most urgent compaction, or nil if none is needed or all that are needed
// are busy. pointer gives, for a level, the internal key behind which
// the level's next compaction begins, so that its turns go round the key space.
func Pick(v *manifest.Version, l Limits, pointer func(level int) []byte, busy func(*Compaction) bool) *Compaction {
	var tried [base.NumLevels]bool
	for {
		level, best := -1, 1.0
		for i := range base.NumLevels - 1 {
			if score := Score(v, i, l); score >= best && !tried[i] {
				level, best = i, score
			}
		}
		if level < 0 {
			if c := PickDense(v, l, math.MaxInt64, busy); c != nil {
				return c
			}
			return pickSmall(v, l, busy)
		}
		tried[level] = true
		if c := pickInLevel(v, level, l, pointer(level), busy); c != nil {
			return c
		}
	}
}

// PickDense returns the compaction of a table most entries of which are tombstones: what they
// hide is space to be won, and scans have to step over them. One that may write more than that many
// bytes does not count.
func PickDense(v *manifest.Version, l Limits, most int64, busy func(*Compaction) bool) *Compaction {
	for level := range base.NumLevels - 1 {
		for _, t := range v.Levels[level] {
			if t.Tombstones*2 <= t.Entries {
				continue
			}
			c := newCompaction(v, level, []*manifest.Table{t}, l, false)
			if c.remainder() <= most && !busy(c) {
				return c
			}
		}
	}
	return nil
}

// remainder is about how much is left of the inputs, if each tombstone hides an entry of them.
func (c *Compaction) remainder() int64 {
	entries, tombstones := int64(0), int64(0)
	for t := range c.Tables() {
		entries += t.Entries
		tombstones += t.Tombstones
	}
	if entries <= 2*tombstones {
		return 0
	}
	return int64(float64(c.InputBytes()) * float64(entries-2*tombstones) / float64(entries-tombstones))
}

func pickInLevel(v *manifest.Version, level int, l Limits, pointer []byte, busy func(*Compaction) bool) *Compaction {
	tables := v.Levels[level]
	if level == 0 {
		// The oldest first: it lies at the end.
		if c := newCompaction(v, 0, tables[len(tables)-1:], l, true); !busy(c) {
			return c
		}
		return nil
	}
	start := 0
	for start < len(tables) && pointer != nil && base.Compare(tables[start].Largest, pointer) <= 0 {
		start++
	}
	for i := range tables {
		t := tables[(start+i)%len(tables)]
		if c := newCompaction(v, level, []*manifest.Table{t}, l, true); !busy(c) {
			return c
		}
	}
	return nil
}

// PickRange returns the compaction of the tables in level that hold user keys from lower to
// upper, both inclusive, nil being open; at most a bounded part of them, the smallest keys
// first. It is nil if there are none.
func PickRange(v *manifest.Version, level int, lower, upper []byte, l Limits) *Compaction {
	inputs := v.Overlapping(level, lower, upper)
	if len(inputs) == 0 {
		return nil
	}
	if level > 0 {
		total := int64(0)
		for i, t := range inputs {
			if total += t.Size; total >= l.inputLimit() {
				inputs = inputs[:i+1]
				break
			}
		}
	}
	return newCompaction(v, level, inputs, l, false)
}

func newCompaction(v *manifest.Version, level int, seed []*manifest.Table, l Limits, move bool) *Compaction {
	c := &Compaction{Level: level, Output: level + 1, Version: v, MoveAllowed: move, limits: l}
	c.Inputs[0] = closure(v, level, seed)
	if c.Output == base.NumLevels {
		c.Output = level
		return c
	}
	lower, upper := userRange(c.Inputs[0])
	c.Inputs[1] = closure(v, c.Output, v.Overlapping(c.Output, lower, upper))
	c.grow()
	c.grandparents = below(v, c.Output, c.Inputs[0], c.Inputs[1])
	return c
}

// grow takes in more tables of the upper level where that adds none of the lower.
func (c *Compaction) grow() {
	if len(c.Inputs[1]) == 0 {
		return
	}
	lower, upper := userRange(c.Inputs[0], c.Inputs[1])
	more := closure(c.Version, c.Level, c.Version.Overlapping(c.Level, lower, upper))
	if len(more) == len(c.Inputs[0]) || totalSize(more)+totalSize(c.Inputs[1]) > c.limits.inputLimit() {
		return
	}
	lower, upper = userRange(more)
	if next := closure(c.Version, c.Output, c.Version.Overlapping(c.Output, lower, upper)); len(next) == len(c.Inputs[1]) {
		c.Inputs[0] = more
	}
}

// closure adds the tables of the level that share a user key with those given.
func closure(v *manifest.Version, level int, tables []*manifest.Table) []*manifest.Table {
	for len(tables) > 0 {
		lower, upper := userRange(tables)
		grown := v.Overlapping(level, lower, upper)
		if len(grown) <= len(tables) {
			return tables
		}
		tables = grown
	}
	return tables
}

func userRange(groups ...[]*manifest.Table) (lower, upper []byte) {
	for _, tables := range groups {
		for _, t := range tables {
			if low := base.UserKey(t.Smallest); lower == nil || bytes.Compare(low, lower) < 0 {
				lower = low
			}
			if high := base.UserKey(t.Largest); upper == nil || bytes.Compare(high, upper) > 0 {
				upper = high
			}
		}
	}
	return lower, upper
}

func totalSize(tables []*manifest.Table) (sum int64) {
	for _, t := range tables {
		sum += t.Size
	}
	return sum
}

// Tables yields every input table.
func (c *Compaction) Tables() func(yield func(*manifest.Table) bool) {
	return func(yield func(*manifest.Table) bool) {
		for _, tables := range c.Inputs {
			for _, t := range tables {
				if !yield(t) {
					return
				}
			}
		}
	}
}

// InputBytes is the size of all input tables.
func (c *Compaction) InputBytes() int64 { return totalSize(c.Inputs[0]) + totalSize(c.Inputs[1]) }

// Collides reports whether both write into the same level, and what one writes may overlap what the
// other does. That they have no table in common doesn't rule it out: there may be room for a table
// between two that are merged.
func (c *Compaction) Collides(other *Compaction) bool {
	lower, upper := userRange(c.Inputs[0], c.Inputs[1])
	otherLower, otherUpper := userRange(other.Inputs[0], other.Inputs[1])
	return c.Output == other.Output && bytes.Compare(lower, otherUpper) <= 0 && bytes.Compare(otherLower, upper) <= 0
}

// Range returns the smallest and the largest user key of the upper level's inputs.
func (c *Compaction) Range() (lower, upper []byte) { return userRange(c.Inputs[0]) }

// IsMove reports whether the input can become part of the output level as it is.
func (c *Compaction) IsMove() bool {
	return c.MoveAllowed && len(c.Inputs[0]) == 1 && len(c.Inputs[1]) == 0 && c.Output != c.Level &&
		totalSize(c.grandparents) <= c.limits.grandparentLimit()
}

// Edit returns the version edit that removes the inputs and advances the level's pointer.
func (c *Compaction) Edit() *manifest.Edit {
	edit := &manifest.Edit{}
	levels := [2]int{c.Level, c.Level + 1}
	for i, tables := range c.Inputs {
		for _, t := range tables {
			edit.Deleted = append(edit.Deleted, manifest.DeletedTable{Level: levels[i], Num: t.Num})
		}
	}
	if c.Level > 0 && c.Output != c.Level {
		last := c.Inputs[0][len(c.Inputs[0])-1]
		edit.CompactPointers = []manifest.CompactPointer{{Level: c.Level, Key: last.Largest}}
	}
	return edit
}
