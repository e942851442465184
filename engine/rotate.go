package engine

import (
	"cmp"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/memtable"
)

// maxImmutables is how many memtables may wait to be flushed before writes do.
const maxImmutables = 2

// stalledLocked reports whether a memtable that is full must wait for flushes or compactions.
func (db *DB) stalledLocked() bool {
	s := db.state.Load()
	return len(s.memtables) > maxImmutables || len(s.version.Levels[0]) >= db.opts.L0StopFiles
}

// failure is the error of a background flush or compaction.
type failure struct {
	attempt uint64 // which it was
	err     error
}

func (f failure) since(attempt uint64) error {
	if f.attempt > attempt {
		return f.err
	}
	return nil
}

// beginAttempt numbers a background flush or compaction.
func (db *DB) beginAttempt() uint64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.attempts++
	return db.attempts
}

// lastAttempt returns the number of the last background flush or compaction that was begun.
func (db *DB) lastAttempt() uint64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.attempts
}

// stallError returns why waiting for room is vain, if it is. Failures of what began before the
// waiting, which is after attempt, don't count: their cause may be gone.
func (db *DB) stallError(attempt uint64) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	switch {
	case db.closed:
		return ErrClosed
	case !db.stalledLocked():
		return nil
	}
	return cmp.Or(db.flushErr.since(attempt), db.compactErr.since(attempt))
}

// rotateLocked gives writes a memtable with room for b, and a log of its own if the present
// memtable goes to be flushed.
func (db *DB) rotateLocked(b *Batch) {
	size := memtable.ArenaSize(b.Count(), len(b.data))
	if m := db.mutableLocked(); m.Empty() {
		db.replaceMutableLocked(m.log, size)
		return
	}
	db.retireMutableLocked(size)
	wake(db.flushWork)
}

// addMemtableLocked makes the mutable memtable the newest immutable one.
func (db *DB) addMemtableLocked(log base.FileNum, size int) {
	s := db.state.Load()
	memtables := append([]*memtableRef{db.newMemtableLocked(log, size)}, s.memtables...)
	db.installLocked(memtables, s.version).unref()
}

// replaceMutableLocked puts another memtable in the place of the mutable one, which is empty.
func (db *DB) replaceMutableLocked(log base.FileNum, size int) {
	s := db.state.Load()
	memtables := append([]*memtableRef{db.newMemtableLocked(log, size)}, s.memtables[1:]...)
	db.installLocked(memtables, s.version).unref()
}
