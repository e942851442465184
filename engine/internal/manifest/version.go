package manifest

import (
	"bytes"
	"fmt"
	"sort"
	"sync/atomic"

	"github.com/varvedb/varve/engine/internal/base"
)

// Version is the set of tables at one moment. It holds a reference on each of its tables.
type Version struct {
	// Levels are the tables by level: level 0 by number, the newest first, the others by key.
	Levels [base.NumLevels][]*Table

	refs atomic.Int32
	set  *Set
}

// Ref takes a reference. The caller must hold one, or keep Set.Apply from running.
func (v *Version) Ref() { v.refs.Add(1) }

// Unref gives a reference back. The last one hands the tables that are in no other version
// to Set.OnObsolete.
func (v *Version) Unref() {
	switch refs := v.refs.Add(-1); {
	case refs < 0:
		panic("manifest: version has no reference left to give back")
	case refs == 0:
		v.set.release(v)
	}
}

// Find returns the index of the first table of a level below 0 whose largest user key is at
// or behind key; the number of tables if there is none.
func (v *Version) Find(level int, key []byte) int {
	tables := v.Levels[level]
	return sort.Search(len(tables), func(i int) bool {
		return bytes.Compare(base.UserKey(tables[i].Largest), key) >= 0
	})
}

// Runs returns the levels that are not empty, and level 0 as few groups that are sorted and disjoint
// as levels are: where keys came in order there are fewer groups to look through than tables.
func (v *Version) Runs() [][]*Table {
	tables := append([]*Table(nil), v.Levels[0]...)
	sort.Slice(tables, func(i, j int) bool { return base.Compare(tables[i].Smallest, tables[j].Smallest) < 0 })
	var runs [][]*Table
next:
	for _, t := range tables {
		for i, run := range runs {
			if bytes.Compare(base.UserKey(run[len(run)-1].Largest), base.UserKey(t.Smallest)) < 0 {
				runs[i] = append(run, t)
				continue next
			}
		}
		runs = append(runs, []*Table{t})
	}
	for _, level := range v.Levels[1:] {
		if len(level) > 0 {
			runs = append(runs, level)
		}
	}
	return runs
}

// Overlapping returns the tables of level that may hold user keys from lower to upper, both
// inclusive, nil being open. In level 0 the range grows to cover each table found, until no
// further table overlaps it. The caller must not change the result's elements.
func (v *Version) Overlapping(level int, lower, upper []byte) []*Table {
	if level == 0 {
		return overlappingTransitively(v.Levels[0], lower, upper)
	}
	tables := v.Levels[level]
	from, to := 0, len(tables)
	if lower != nil {
		from = v.Find(level, lower)
	}
	if upper != nil {
		to = sort.Search(len(tables), func(i int) bool {
			return bytes.Compare(base.UserKey(tables[i].Smallest), upper) > 0
		})
	}
	to = max(from, to)
	return tables[from:to:to]
}

func overlappingTransitively(tables []*Table, lower, upper []byte) []*Table {
	for {
		var found []*Table
		grown := false
		for _, t := range tables {
			if !t.Overlaps(lower, upper) {
				continue
			}
			found = append(found, t)
			if low := base.UserKey(t.Smallest); lower != nil && bytes.Compare(low, lower) < 0 {
				lower, grown = low, true
			}
			if high := base.UserKey(t.Largest); upper != nil && bytes.Compare(high, upper) > 0 {
				upper, grown = high, true
			}
		}
		if !grown {
			return found
		}
	}
}

// LevelSize returns the size in bytes of a level's tables.
func (v *Version) LevelSize(level int) int64 {
	sum := int64(0)
	for _, t := range v.Levels[level] {
		sum += t.Size
	}
	return sum
}

// NumTables returns the number of tables in all levels.
func (v *Version) NumTables() int {
	n := 0
	for _, tables := range v.Levels {
		n += len(tables)
	}
	return n
}

// Check returns an error unless every level is in order and no table is there twice.
func (v *Version) Check() error {
	levelOf := make(map[base.FileNum]int, v.NumTables())
	for level, tables := range v.Levels {
		for i, t := range tables {
			if other, ok := levelOf[t.Num]; ok {
				return fmt.Errorf("table %06d is in level %d and in level %d", t.Num, other, level)
			}
			levelOf[t.Num] = level
			if base.Compare(t.Smallest, t.Largest) > 0 {
				return fmt.Errorf("level %d: bounds of table %v are crossed", level, t)
			}
			if i == 0 {
				continue
			}
			before := tables[i-1]
			if level == 0 && before.Num < t.Num {
				return fmt.Errorf("level 0: table %06d stands before the newer %06d", before.Num, t.Num)
			}
			if level > 0 && base.Compare(before.Largest, t.Smallest) >= 0 {
				return fmt.Errorf("level %d: tables %v and %v overlap", level, before, t)
			}
		}
	}
	return nil
}
