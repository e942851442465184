package engine

import (
	"bytes"
	"sort"
	"sync"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/memtable"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/engine/internal/tables"
)

// sweep finds keys that come in ascending order, at one moment. At each memtable and level it goes
// on from where it found the key before.
type sweep struct {
	state     *readState
	seq       base.Seq
	mode      sstable.Mode
	order     keyOrder
	outcomes  []outcome // by the keys' indexes
	internal  []byte    // the key that is looked for
	memtables []memtable.Finger
	levels    []levelSweep // the newest first; each table of level 0 stands for itself
}

// levelSweep is the place in tables that are sorted and disjoint.
type levelSweep struct {
	tables []*manifest.Table // from the one on that ends at or behind the last key
	open   *tables.Table     // the first of them, if it has been looked into
	finder sstable.Finder    // in open
}

// maxKeptPlaces bounds the number of keys for which a sweep is kept.
const maxKeptPlaces = 1 << 14

var sweeps = sync.Pool{New: func() any { return new(sweep) }}

// newSweep begins before all keys. It must be closed.
func (db *DB) newSweep(seq base.Seq, mode sstable.Mode) *sweep {
	s, visible := db.acquire()
	w := sweeps.Get().(*sweep)
	w.state, w.seq, w.mode = s, min(seq, visible), mode
	for _, m := range s.memtables {
		if !m.Empty() {
			w.memtables = append(w.memtables, m.NewFinger())
		}
	}
	newest := s.version.Levels[0]
	for i := range newest {
		w.levels = append(w.levels, levelSweep{tables: newest[i : i+1]})
	}
	for _, level := range s.version.Levels[1:] {
		if len(level) > 0 {
			w.levels = append(w.levels, levelSweep{tables: level})
		}
	}
	return w
}

// close lets go of all that the sweep has seen, and keeps its memory for another.
func (w *sweep) close() {
	for i := range w.levels {
		w.levels[i].release()
	}
	w.state.unref()
	w.state = nil
	if cap(w.outcomes) > maxKeptPlaces || cap(w.order.places) > maxKeptPlaces {
		return
	}
	clear(w.memtables)
	clear(w.levels)
	clear(w.outcomes)
	w.memtables, w.levels, w.outcomes = w.memtables[:0], w.levels[:0], w.outcomes[:0]
	sweeps.Put(w)
}

// find is readState.find. The key must not be before that of the call before.
func (w *sweep) find(key []byte) (value []byte, found bool, err error) {
	for i := range w.memtables {
		if value, kind, found := w.memtables[i].Get(key, w.seq); found {
			return value, kind == base.KindPut, nil
		}
	}
	w.internal = base.AppendInternalKey(w.internal[:0], key, w.seq, base.KindSeek)
	for i := range w.levels {
		value, kind, found, err := w.findInLevel(&w.levels[i], key)
		if found || err != nil {
			return value, kind == base.KindPut, err
		}
	}
	return nil, false, nil
}

// findInLevel looks into the first table that ends at or behind the key: if that has no entry of it,
// none has.
func (w *sweep) findInLevel(l *levelSweep, key []byte) ([]byte, base.Kind, bool, error) {
	if len(l.tables) == 0 {
		return nil, 0, false, nil
	}
	if base.Compare(l.tables[0].Largest, w.internal) < 0 {
		l.release()
		l.tables = l.tables[sort.Search(len(l.tables), func(i int) bool {
			return base.Compare(l.tables[i].Largest, w.internal) >= 0
		}):]
		return w.findInLevel(l, key)
	}
	if bytes.Compare(base.UserKey(l.tables[0].Smallest), key) > 0 {
		return nil, 0, false, nil
	}
	if l.open == nil {
		table, err := w.state.acquireTable(l.tables[0], w.mode)
		if err != nil {
			return nil, 0, false, err
		}
		l.open = table
		l.finder.Reset(table.Reader)
	}
	return l.finder.Get(w.internal, w.mode)
}

func (l *levelSweep) release() {
	if l.open != nil {
		l.open.Release()
		l.open = nil
	}
}
