package manifest

import (
	"fmt"
	"sort"

	"github.com/varvedb/varve/engine/internal/base"
)

// builder applies edits to a set of tables.
type builder struct {
	tables map[base.FileNum]placedTable
}

type placedTable struct {
	*Table
	level int
}

// newBuilder returns a builder that starts from v, or from nothing if v is nil.
func newBuilder(v *Version) *builder {
	b := &builder{tables: make(map[base.FileNum]placedTable)}
	if v == nil {
		return b
	}
	for level, tables := range v.Levels {
		for _, t := range tables {
			b.tables[t.Num] = placedTable{Table: t, level: level}
		}
	}
	return b
}

// apply makes the edit's changes, deletions first. After an error the builder is of no use.
func (b *builder) apply(e *Edit) error {
	deleted := make(map[base.FileNum]*Table, len(e.Deleted))
	for _, d := range e.Deleted {
		t, ok := b.tables[d.Num]
		if !ok || t.level != d.Level {
			return fmt.Errorf("delete table %06d: it is not in level %d", d.Num, d.Level)
		}
		delete(b.tables, d.Num)
		deleted[d.Num] = t.Table
	}
	added := make(map[base.FileNum]bool, len(e.Added))
	for _, a := range e.Added {
		t := a.Table
		if same, ok := b.tables[t.Num]; ok {
			// goleveldb's first edit of a manifest names tables twice.
			if added[t.Num] && same.level == a.Level && same.sameFile(t) {
				continue
			}
			return fmt.Errorf("add table %06d to level %d: it is in level %d", t.Num, a.Level, same.level)
		}
		if moved, ok := deleted[t.Num]; ok {
			if !moved.sameFile(t) {
				return fmt.Errorf("move table %v: it becomes %v", moved, t)
			}
			// References are counted by the Table: a file must have one only.
			t = moved
		}
		b.tables[t.Num] = placedTable{Table: t, level: a.Level}
		added[t.Num] = true
	}
	return nil
}

// version returns the tables as a version that holds no references and belongs to no Set yet.
func (b *builder) version() (*Version, error) {
	v := &Version{}
	for _, t := range b.tables {
		v.Levels[t.level] = append(v.Levels[t.level], t.Table)
	}
	for level, tables := range v.Levels {
		if level == 0 {
			sort.Slice(tables, func(i, j int) bool { return tables[i].Num > tables[j].Num })
		} else {
			sort.Slice(tables, func(i, j int) bool { return base.Compare(tables[i].Smallest, tables[j].Smallest) < 0 })
		}
	}
	return v, v.Check()
}
