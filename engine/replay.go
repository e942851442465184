package engine

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/memtable"
	"github.com/varvedb/varve/engine/internal/pace"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/vfs"
)

// recovery replays logs into memtables. The logs stay until the memtables are flushed, as if the
// store had not been closed. Nothing is written, unless more memtables are full than may wait for
// that: then the oldest are flushed. Whatever ends a recovery, the next one finds the same in
// tables and logs together.
type recovery struct {
	db     *DB
	before base.Seq // the last sequence number before the log that is being replayed
	last   base.Seq // the last one replayed
	stuck  bool     // a memtable could not be flushed
	pace   *pace.Pacer

	// torn is the last log that is not empty, if it ends within a record.
	torn *logFile
}

// replayLogs replays every log that the manifest does not say is in tables.
func (r *recovery) replayLogs(files []storeFile) error {
	var logs []storeFile
	for _, f := range files {
		if f.kind == base.FileLog && (f.num >= r.db.manifest.LogNum() || f.num == r.db.manifest.PrevLogNum()) {
			logs = append(logs, f)
		}
	}
	sort.Slice(logs, func(i, j int) bool { return logs[i].num < logs[j].num })
	first := r.db.newMemtableLocked(r.db.manifest.LogNum(), 0)
	r.db.installLocked([]*memtableRef{first}, r.db.manifest.Current())
	for i, f := range logs {
		r.db.liveLogs = append(r.db.liveLogs, f.num)
		// The next log is written to when this one is synced: until then it is there at most by name.
		last := !slices.ContainsFunc(logs[i+1:], func(later storeFile) bool { return later.Size > 0 })
		if err := r.replayLog(f, last); err != nil {
			return fmt.Errorf("replay log %s: %w", f.Name, err)
		}
	}
	return nil
}

func (r *recovery) replayLog(f storeFile, last bool) error {
	file, err := r.db.fs.Open(f.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	r.before = r.db.lastSeq
	records := record.NewReader(file, file.Size(), f.Name)
	for {
		offset := records.Offset()
		data, err := records.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, record.ErrTorn) && last:
			r.torn = &logFile{num: f.num, replayed: true}
			return nil
		case errors.Is(err, record.ErrTorn):
			return base.Corruption(f.Name, offset, "the log ends within a record, though a later log follows")
		case err != nil:
			return err
		}
		if err := r.replayRecord(f.num, data); err != nil {
			return base.Corruption(f.Name, offset, "%v", err)
		}
	}
}

func (r *recovery) replayRecord(log base.FileNum, data []byte) error {
	first, count, err := batchHeader(data)
	if err != nil {
		return err
	}
	// An entry has at least two bytes: a larger count is damage, and must not size anything.
	if int64(count) > int64(len(data)) {
		return fmt.Errorf("batch of %d bytes claims %d entries", len(data), count)
	}
	if err := checkFollows(r.last, first, count); err != nil {
		return err
	}
	if first > 0 {
		// The manifest may count what is in the log already.
		r.before = min(r.before, first-1)
	}
	if !r.db.mutableLocked().Room(int(count), len(data)) {
		r.rotate(log, memtable.ArenaSize(int(count), len(data)))
	}
	m := r.db.mutableLocked()
	if m.Empty() {
		m.log, m.before = log, r.before
	}
	if err := r.db.insertRecordLocked(m, data, first, int(count)); err != nil {
		return err
	}
	r.pace.Did(int(count))
	if count > 0 {
		r.last = first + base.Seq(count) - 1
		r.db.lastSeq = max(r.db.lastSeq, r.last)
	}
	return nil
}

// rotate gives what is replayed another memtable, of size bytes at least.
func (r *recovery) rotate(log base.FileNum, size int) {
	if r.db.mutableLocked().Empty() {
		r.db.replaceMutableLocked(log, size)
		return
	}
	r.flushFull()
	r.db.addMemtableLocked(log, size)
}

// flushFull flushes the oldest memtables as long as there are as many as an open store may have. If
// that fails, the rest stays in memory all the same: a store that is full must open, so that
// something can be deleted.
func (r *recovery) flushFull() {
	r.db.flushMu.Lock()
	defer r.db.flushMu.Unlock()
	for !r.stuck && len(r.db.state.Load().memtables) > maxImmutables {
		r.stuck = r.flushOldest() != nil
	}
}

// flushOldest flushes the oldest memtable when level 0 has room for it. db.flushMu is held.
func (r *recovery) flushOldest() error {
	for len(r.db.state.Load().version.Levels[0]) >= r.db.opts.L0StopFiles {
		more, err := r.db.compactOnce()
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	return r.db.flushOldest()
}

// checkFollows fails unless a log record may come behind those that end with sequence number last.
func checkFollows(last, first base.Seq, count uint32) error {
	if count > 0 && first <= last {
		return fmt.Errorf("sequence number %d follows %d", first, last)
	}
	return nil
}

// leaveTornLog flushes what was replayed, so that the log with the torn end is not needed
// any more when another one begins: only the last log may have such an end. Where there is no space
// for that the store opens all the same, to be read: it is as if its log had failed.
func (db *DB) leaveTornLog(torn *logFile) error {
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	err := db.flushLogs(db.logs[0].num)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("flush replayed logs: %w", err)
	if errors.Is(err, vfs.ErrNoSpace) {
		db.logFailed, db.failedLogs = err, []*logFile{torn}
		return nil
	}
	return err
}
