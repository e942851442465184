package engine

import (
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

// stallError returns why waiting for room is vain, if it is.
func (db *DB) stallError() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	switch {
	case db.closed:
		return ErrClosed
	case !db.stalledLocked():
		return nil
	case db.flushErr != nil:
		return db.flushErr
	}
	return db.compactErr
}

// rotateLocked gives writes a memtable with room for b, and a log of its own if the present
// memtable goes to be flushed.
func (db *DB) rotateLocked(b *Batch) {
	size := memtable.ArenaSize(b.Count(), len(b.data))
	log := db.logs[len(db.logs)-1]
	if m := db.mutableLocked(); m.Empty() {
		db.replaceMutableLocked(m.log, size)
		return
	}
	log.retired = true
	num := db.manifest.NextFileNum()
	db.logs = append(db.logs, &logFile{num: num})
	db.addMemtableLocked(num, size)
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
