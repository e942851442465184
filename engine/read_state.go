package engine

import (
	"sync/atomic"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/memtable"
)

// readState is one consistent set of what a read looks through. It never changes; a new one
// replaces it. While it is referenced, its memtables' arenas are not reused and its
// version's tables are not removed.
type readState struct {
	refs      atomic.Int32
	db        *DB
	memtables []*memtableRef // newest first; the first is the mutable one
	version   *manifest.Version
	levels    [][]*manifest.Table // the version's tables, in sorted and disjoint runs
}

// memtableRef is a memtable with its place in the store.
type memtableRef struct {
	*memtable.Memtable
	arena []byte
	refs  atomic.Int32 // of read states

	// log is the oldest log that holds an entry of the memtable: no log from it on may go
	// before the memtable is flushed.
	log base.FileNum

	// before is the last sequence number before the first record of that log.
	before base.Seq

	splice memtable.Splice // guarded by DB.mu
}

func (s *readState) tryRef() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *readState) unref() {
	if s.refs.Add(-1) != 0 {
		return
	}
	for _, m := range s.memtables {
		if m.refs.Add(-1) == 0 {
			s.db.recycle(m)
		}
	}
	s.version.Unref()
}

// acquire returns the current read state and the newest sequence number to be seen in it.
func (db *DB) acquire() (*readState, base.Seq) {
	for {
		s := db.state.Load()
		if s.tryRef() {
			return s, base.Seq(db.visible.Load())
		}
	}
}

// installLocked makes memtables and version the current read state. Both are referenced by it;
// the caller's own references stay the caller's.
func (db *DB) installLocked(memtables []*memtableRef, version *manifest.Version) (previous *readState) {
	s := &readState{db: db, memtables: memtables, version: version, levels: version.Runs()}
	s.refs.Store(1)
	for _, m := range memtables {
		m.refs.Add(1)
	}
	version.Ref()
	return db.state.Swap(s)
}

// mutableLocked returns the memtable that takes writes.
func (db *DB) mutableLocked() *memtableRef { return db.state.Load().memtables[0] }
