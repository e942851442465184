package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
)

// flushLoop flushes memtables as they fill.
func (db *DB) flushLoop() {
	defer db.background.Done()
	for {
		select {
		case <-db.closing:
			return
		case <-db.flushWork:
		}
		attempt := db.beginAttempt()
		err := db.replaceLog()
		if err == nil {
			db.flushMu.Lock()
			err = db.flushReady(newest)
			db.flushMu.Unlock()
		}
		if err != nil && !errors.Is(err, ErrClosed) {
			db.mu.Lock()
			db.flushErr = failure{attempt, fmt.Errorf("flush: %w", err)}
			db.notifyLocked()
			db.mu.Unlock()
			db.tryLog()
		}
	}
}

// Flush writes all memtables into tables and returns when that is done.
func (db *DB) Flush() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return ErrClosed
	}
	if db.logFailed == nil && !db.mutableLocked().Empty() {
		db.retireMutableLocked(0)
	}
	db.mu.Unlock()
	if err := db.replaceLog(); err != nil {
		return err
	}
	if err := db.syncLogs(Strict); err != nil {
		return err
	}
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	return db.flushReady(newest)
}

// retireMutableLocked sends the mutable memtable to be flushed, full or not. The next one has at
// least that size.
func (db *DB) retireMutableLocked(size int) {
	db.logs[len(db.logs)-1].retired = true
	num := db.manifest.NextFileNum()
	db.logs = append(db.logs, &logFile{num: num})
	db.addMemtableLocked(num, size)
}

// flushReady flushes the immutable memtables whose logs are synced, of those that were begun
// before the write of sequence number limit. db.flushMu is held.
func (db *DB) flushReady(limit base.Seq) error {
	for {
		db.mu.Lock()
		s := db.state.Load()
		last := len(s.memtables) - 1
		ready := last > 0 && db.logs[0].num >= s.memtables[last-1].log && s.memtables[last].before < limit
		closed := db.closed
		db.mu.Unlock()
		if closed {
			return ErrClosed
		}
		if !ready {
			return nil
		}
		if err := db.flushOldest(); err != nil {
			return err
		}
	}
}

// flushLogs flushes all that logs before number num hold, which is that of the next log to be
// written, and makes recovery begin there. db.flushMu is held, and no log is in use.
func (db *DB) flushLogs(num base.FileNum) error {
	db.mu.Lock()
	if m := db.mutableLocked(); m.Empty() {
		m.log = num
	} else {
		db.addMemtableLocked(num, 0)
	}
	db.mu.Unlock()
	if err := db.flushAll(); err != nil {
		return err
	}
	return db.advanceLogNum(num)
}

// flushAll flushes every immutable memtable. db.flushMu is held, and no log is in use.
func (db *DB) flushAll() error {
	for len(db.state.Load().memtables) > 1 {
		if err := db.flushOldest(); err != nil {
			return err
		}
	}
	return nil
}

// flushOldest writes the oldest memtable into a table of level 0. db.flushMu is held.
func (db *DB) flushOldest() error {
	s, _ := db.acquire()
	defer s.unref()
	last := len(s.memtables) - 1
	m := s.memtables[last]
	result, err := compact.Flush(db.compactEnv(), m.NewIterator())
	if err != nil {
		return fmt.Errorf("memtable: %w", mergeError(err))
	}
	edit := logNumEdit(s.memtables[last-1].log)
	for _, t := range result.Tables {
		edit.Added = append(edit.Added, manifest.AddedTable{Level: 0, Table: t})
	}
	if err := db.applyEdit(edit, m); err != nil {
		return err
	}
	db.counters.flushes.Add(1)
	db.counters.flushBytes.Add(result.BytesWritten)
	db.removeLogsBefore(s.memtables[last-1].log)
	wake(db.compactWork)
	return nil
}

// advanceLogNum makes recovery begin at log num.
func (db *DB) advanceLogNum(num base.FileNum) error {
	if db.manifest.LogNum() >= num {
		return nil
	}
	if err := db.applyEdit(logNumEdit(num), nil); err != nil {
		return err
	}
	db.removeLogsBefore(num)
	return nil
}

// logNumEdit returns the edit that says that what is in logs before num is in tables.
func logNumEdit(num base.FileNum) *manifest.Edit {
	none := base.FileNum(0)
	return &manifest.Edit{LogNum: &num, PrevLogNum: &none}
}

// applyEdit makes a version edit durable and installs the version it leads to. flushed, if
// not nil, is the memtable that the edit replaces. If it fails, the tables that the edit adds are
// the manifest's to remove: a crash may yet find the edit written.
func (db *DB) applyEdit(edit *manifest.Edit, flushed *memtableRef) error {
	db.manifestMu.Lock()
	defer db.manifestMu.Unlock()
	lastSeq := db.loggedSeq(flushed)
	edit.LastSeq = &lastSeq
	if err := db.manifest.Apply(edit); err != nil {
		return err
	}
	db.mu.Lock()
	memtables := slices.DeleteFunc(slices.Clone(db.state.Load().memtables), func(m *memtableRef) bool { return m == flushed })
	previous := db.installLocked(memtables, db.manifest.Current())
	if flushed != nil {
		db.flushErr = failure{}
	}
	db.notifyLocked()
	db.mu.Unlock()
	previous.unref()
	return nil
}

// loggedSeq returns the last sequence number before the logs that recovery needs once flushed is
// in tables. A manifest must not count further: goleveldb drops from the logs what it counts.
func (db *DB) loggedSeq(flushed *memtableRef) base.Seq {
	db.mu.Lock()
	defer db.mu.Unlock()
	memtables := db.state.Load().memtables
	oldest := memtables[len(memtables)-1]
	if oldest == flushed {
		oldest = memtables[len(memtables)-2]
	}
	return oldest.before
}

// removeLogsBefore removes the logs before number num. What can't be removed now is removed when
// the store is next opened.
func (db *DB) removeLogsBefore(num base.FileNum) {
	db.mu.Lock()
	logs := db.liveLogs
	kept := logs[:0]
	var gone []base.FileNum
	for _, log := range logs {
		if log < num {
			gone = append(gone, log)
		} else {
			kept = append(kept, log)
		}
	}
	db.liveLogs = kept
	db.mu.Unlock()
	for _, log := range gone {
		_ = db.fs.Remove(base.FileName(base.FileLog, log))
	}
}
