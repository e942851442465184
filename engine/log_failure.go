package engine

import (
	"fmt"
	"slices"
	"sort"

	"github.com/varvedb/varve/engine/internal/base"
)

// A log that failed to take a write is given up: what it holds behind its last sync is
// unknown. The writes that waited for it are undone in memory. Those that were
// acknowledged in memory alone stay, and reach the medium when the memtables are flushed, which
// must succeed before another log begins. Until then no write is acknowledged.

// seqRange is the sequence numbers of one write, both inclusive.
type seqRange struct{ first, last base.Seq }

// failLogLocked gives all logs up because of err, and undoes the writes that waited for
// them, beside those of group. It returns the functions to be called with err.
func (db *DB) failLogLocked(group []*waiter, err error) (done []func(error)) {
	failed := slices.Clone(group)
	for _, log := range db.logs {
		failed = append(failed, log.waiters...)
	}
	db.logFailed, db.failedLogs = err, db.logs
	num := db.manifest.NextFileNum()
	db.logs = []*logFile{{num: num}}
	db.undoLocked(failed)
	db.notifyLocked()
	wake(db.flushWork)
	return finishLocked(failed, err)
}

// undoLocked takes the entries of writes out of the memtables.
func (db *DB) undoLocked(writes []*waiter) {
	var ranges []seqRange
	for _, w := range writes {
		if w.first > 0 {
			ranges = append(ranges, seqRange{w.first, w.last})
		}
	}
	if len(ranges) == 0 {
		return
	}
	sort.Slice(ranges, func(i, j int) bool { return ranges[i].first < ranges[j].first })
	s := db.state.Load()
	memtables := make([]*memtableRef, len(s.memtables))
	for i, m := range s.memtables {
		memtables[i] = db.withoutLocked(m, ranges)
	}
	db.installLocked(memtables, s.version).unref()
}

// withoutLocked returns a copy of m that lacks the entries in ranges, which are ascending; or m if
// it has none.
func (db *DB) withoutLocked(m *memtableRef, ranges []seqRange) *memtableRef {
	in := func(key []byte) bool {
		seq := base.TrailerOf(key).Seq()
		_, found := slices.BinarySearchFunc(ranges, seq, func(r seqRange, seq base.Seq) int {
			switch {
			case r.last < seq:
				return -1
			case r.first > seq:
				return +1
			}
			return 0
		})
		return found
	}
	it := m.NewIterator()
	defer it.Close()
	hit := false
	for valid := it.First(); valid && !hit; valid = it.Next() {
		hit = in(it.Key())
	}
	if !hit {
		return m
	}
	// The nth node of every skiplist is equally tall: a part of m takes no more room than m.
	rest := db.newMemtableLocked(m.log, len(m.arena))
	rest.before = m.before
	for valid := it.First(); valid; valid = it.Next() {
		key := it.Key()
		if in(key) {
			continue
		}
		trailer := base.TrailerOf(key)
		if err := rest.Add(&rest.splice, trailer.Seq(), trailer.Kind(), base.UserKey(key), it.Value()); err != nil {
			panic(fmt.Sprintf("varve: a part of a memtable does not fit into one of its size: %v", err))
		}
	}
	return rest
}

// replaceLog flushes what the memtables hold and begins a new log, if the last one failed.
// When it returns nil, writes are taken again.
func (db *DB) replaceLog() error {
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	db.mu.Lock()
	if db.logFailed == nil || db.closed {
		db.mu.Unlock()
		return nil
	}
	cause, failed := db.logFailed, db.failedLogs
	num := db.logs[0].num
	db.mu.Unlock()
	for _, log := range failed {
		// The file is given up: whether it closes no longer matters. But while it is open, no
		// other may be synced: see promise 4 of vfs.
		_ = log.close()
	}
	if err := db.flushLogs(num); err != nil {
		return fmt.Errorf("begin a new log after %q: %w", cause, err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.logFailed, db.failedLogs = nil, nil
	db.notifyLocked()
	return nil
}

// tryLog finds out whether the log has failed, after something else has. A file system may refuse
// to sync other files because it has lost what was written to the log, and those who write to
// the log may be waiting for those other files.
func (db *DB) tryLog() {
	db.mu.Lock()
	unsynced := db.logs[len(db.logs)-1].unsynced
	db.mu.Unlock()
	if unsynced {
		_ = db.syncLogs(Relaxed) // told to those who write
	}
}
