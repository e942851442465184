package engine

import (
	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/memtable"
)

// maxFreeArenas bounds the memory kept for the next memtables.
const maxFreeArenas = 1

// newMemtableLocked makes a memtable of the usual size, or of size bytes if that is larger.
func (db *DB) newMemtableLocked(log base.FileNum, size int) *memtableRef {
	var arena []byte
	if last := len(db.arenas) - 1; last >= 0 && size <= db.opts.MemtableSize {
		arena = db.arenas[last]
		db.arenas = db.arenas[:last]
	} else {
		arena = make([]byte, max(size, db.opts.MemtableSize))
	}
	return &memtableRef{Memtable: memtable.New(arena), arena: arena, log: log, before: db.lastSeq}
}

// recycle keeps the arena of a memtable that nothing references any more. It gives the arena
// up rather than wait: the last reader may be one that must not.
func (db *DB) recycle(m *memtableRef) {
	if len(m.arena) != db.opts.MemtableSize || !db.mu.TryLock() {
		return
	}
	defer db.mu.Unlock()
	if len(db.arenas) < maxFreeArenas {
		db.arenas = append(db.arenas, m.arena)
	}
}
