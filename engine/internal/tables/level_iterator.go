package tables

import (
	"bytes"
	"sort"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/sstable"
)

// LevelIterator walks tables that are sorted and disjoint, one at a time, each opened when
// it is reached. It implements base.Iterator.
type LevelIterator struct {
	cache  *Cache
	tables []*manifest.Table
	fill   bool
	mode   *sstable.Mode // nil: wait

	index   int // of the open table
	table   *Table
	current sstable.Iterator // of table, if that is not nil
	err     error
}

var _ base.Iterator = (*LevelIterator)(nil)

// NewLevelIterator returns an iterator over the tables of one level below 0, in their order.
// The caller keeps their version alive. fill says whether blocks enter the block cache.
func (c *Cache) NewLevelIterator(tables []*manifest.Table, fill bool) *LevelIterator {
	return &LevelIterator{cache: c, tables: tables, fill: fill, index: -1}
}

// NewTableIterator returns an iterator over one table, which it keeps open.
func (c *Cache) NewTableIterator(t *manifest.Table, fill bool) *LevelIterator {
	return c.NewLevelIterator([]*manifest.Table{t}, fill)
}

// Obey makes each move read as *mode says at its time. Without that, moves may wait.
func (l *LevelIterator) Obey(mode *sstable.Mode) { l.mode = mode }

// First moves to the smallest entry.
func (l *LevelIterator) First() bool {
	return l.open(0) && (l.current.First() || l.enterNextTable())
}

// Last moves to the largest entry.
func (l *LevelIterator) Last() bool {
	return l.open(len(l.tables)-1) && (l.current.Last() || l.enterPreviousTable())
}

// SeekGE moves to the first entry at or behind key.
func (l *LevelIterator) SeekGE(key []byte) bool {
	i := sort.Search(len(l.tables), func(i int) bool { return base.Compare(l.tables[i].Largest, key) >= 0 })
	return l.open(i) && (l.current.SeekGE(key) || l.enterNextTable())
}

// SeekLT moves to the last entry before key.
func (l *LevelIterator) SeekLT(key []byte) bool {
	i := sort.Search(len(l.tables), func(i int) bool { return base.Compare(l.tables[i].Smallest, key) >= 0 })
	return l.open(i-1) && (l.current.SeekLT(key) || l.enterPreviousTable())
}

// Next moves to the next larger entry.
func (l *LevelIterator) Next() bool { return l.current.Next() || l.enterNextTable() }

// Prev moves to the next smaller entry.
func (l *LevelIterator) Prev() bool { return l.current.Prev() || l.enterPreviousTable() }

// enterNextTable moves to the first entry behind the current table. A failure in that table ends the walk.
func (l *LevelIterator) enterNextTable() bool {
	for l.current.Error() == nil {
		if !l.open(l.index + 1) {
			return false
		}
		if l.current.First() {
			return true
		}
	}
	return false
}

// enterPreviousTable moves to the last entry before the current table, likewise.
func (l *LevelIterator) enterPreviousTable() bool {
	for l.current.Error() == nil {
		if !l.open(l.index - 1) {
			return false
		}
		if l.current.Last() {
			return true
		}
	}
	return false
}

// open makes table i the current one; it returns false if there is none or it can't be opened.
func (l *LevelIterator) open(i int) bool {
	l.err = nil
	if i == l.index && l.table != nil {
		return true
	}
	l.release()
	l.index = i
	if i < 0 || i >= len(l.tables) {
		return false
	}
	table, err := l.acquire(l.tables[i].Num)
	if err != nil {
		l.err = err
		return false
	}
	l.table = table
	l.current.Reset(table.Reader, l.fill, l.mode)
	return true
}

func (l *LevelIterator) acquire(num base.FileNum) (*Table, error) {
	if l.mode != nil && *l.mode == sstable.Try {
		return l.cache.TryAcquire(num)
	}
	return l.cache.Acquire(num)
}

func (l *LevelIterator) release() {
	if l.table == nil {
		return
	}
	_ = l.current.Close() // of memory only
	l.table.Release()
	l.table = nil
}

// Valid reports whether the iterator stands on an entry.
func (l *LevelIterator) Valid() bool { return l.table != nil && l.current.Valid() }

// Key returns the current internal key.
func (l *LevelIterator) Key() []byte { return l.current.Key() }

// Value returns the current value.
func (l *LevelIterator) Value() []byte { return l.current.Value() }

// Error returns why the last move failed, or nil if the entries ended.
func (l *LevelIterator) Error() error {
	if l.err != nil || l.table == nil {
		return l.err
	}
	return l.current.Error()
}

// Close releases the open table. It returns nil.
func (l *LevelIterator) Close() error {
	l.release()
	l.tables = nil
	return nil
}

// Clip returns the tables, of a level below 0, that may hold user keys in [lower, upper).
// Nil bounds are open.
func Clip(tables []*manifest.Table, lower, upper []byte) []*manifest.Table {
	from, to := 0, len(tables)
	if lower != nil {
		from = sort.Search(len(tables), func(i int) bool {
			return bytes.Compare(base.UserKey(tables[i].Largest), lower) >= 0
		})
	}
	if upper != nil {
		to = sort.Search(len(tables), func(i int) bool {
			return bytes.Compare(base.UserKey(tables[i].Smallest), upper) >= 0
		})
	}
	return tables[from:max(from, to)]
}
