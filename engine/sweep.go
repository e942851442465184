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
	level0    []tableSweep
	levels    [base.NumLevels]tableSweep // from 1 on, in one table at a time
}

// maxKeptPlaces bounds the number of keys for which a sweep is kept.
const maxKeptPlaces = 1 << 14

// tableSweep is the place in a table, which is acquired when it is first looked into.
type tableSweep struct {
	described *manifest.Table
	open      *tables.Table
	finder    sstable.Finder
}

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
	for _, t := range s.version.Levels[0] {
		w.level0 = append(w.level0, tableSweep{described: t})
	}
	return w
}

// close lets go of all that the sweep has seen, and keeps its memory for another.
func (w *sweep) close() {
	for i := range w.level0 {
		w.level0[i].release()
	}
	for i := range w.levels {
		w.levels[i].release()
	}
	w.state.unref()
	clear(w.memtables)
	clear(w.level0)
	clear(w.outcomes)
	w.order.trim(maxKeptPlaces)
	*w = sweep{
		order: w.order, outcomes: w.outcomes[:0], internal: w.internal[:0],
		memtables: w.memtables[:0], level0: w.level0[:0],
	}
	if cap(w.outcomes) <= maxKeptPlaces {
		sweeps.Put(w)
	}
}

// find is readState.find. The key must not be before that of the call before.
func (w *sweep) find(key []byte) (value []byte, found bool, err error) {
	for i := range w.memtables {
		if value, kind, found := w.memtables[i].Get(key, w.seq); found {
			return value, kind == base.KindPut, nil
		}
	}
	w.internal = base.AppendInternalKey(w.internal[:0], key, w.seq, base.KindSeek)
	for i := range w.level0 {
		t := &w.level0[i]
		if !t.described.Overlaps(key, key) {
			continue
		}
		value, kind, found, err := w.findInTable(t)
		if found || err != nil {
			return value, kind == base.KindPut, err
		}
	}
	for level := 1; level < base.NumLevels; level++ {
		value, kind, found, err := w.findInLevel(level, key)
		if found || err != nil {
			return value, kind == base.KindPut, err
		}
	}
	return nil, false, nil
}

// findInLevel looks into the first table that ends at or behind the key: if that has no entry of it,
// none has.
func (w *sweep) findInLevel(level int, key []byte) ([]byte, base.Kind, bool, error) {
	all, t := w.state.version.Levels[level], &w.levels[level]
	if t.described == nil || base.Compare(t.described.Largest, w.internal) < 0 {
		i := sort.Search(len(all), func(i int) bool { return base.Compare(all[i].Largest, w.internal) >= 0 })
		if i == len(all) {
			return nil, 0, false, nil
		}
		t.release()
		t.described = all[i]
	}
	if bytes.Compare(base.UserKey(t.described.Smallest), key) > 0 {
		return nil, 0, false, nil
	}
	return w.findInTable(t)
}

func (w *sweep) findInTable(t *tableSweep) ([]byte, base.Kind, bool, error) {
	if t.open == nil {
		table, err := w.state.acquireTable(t.described, w.mode)
		if err != nil {
			return nil, 0, false, err
		}
		t.open = table
		t.finder.Reset(table.Reader)
	}
	return t.finder.Get(w.internal, w.mode)
}

func (t *tableSweep) release() {
	if t.open != nil {
		t.open.Release()
		t.open = nil
	}
}
