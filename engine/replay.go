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
)

// recovery replays logs into memtables. Nothing is written: the logs stay until the memtables
// are flushed, as if the store had not been closed.
type recovery struct {
	db        *DB
	memtables []*memtableRef // newest first
	before    base.Seq       // the last sequence number before the log that is being replayed
	last      base.Seq       // the last one replayed
	torn      bool           // the last log that is not empty ends within a record
	pace      *pace.Pacer
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
	r.memtables = []*memtableRef{r.db.newMemtableLocked(r.db.manifest.LogNum(), 0)}
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
			r.torn = true
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
	m := r.memtables[0]
	if m.Empty() {
		m.log, m.before = log, r.before
	}
	if !m.Room(int(count), len(data)) {
		if m.Empty() {
			r.memtables = r.memtables[1:]
		}
		m = r.db.newMemtableLocked(log, memtable.ArenaSize(int(count), len(data)))
		m.before = r.before
		r.memtables = append([]*memtableRef{m}, r.memtables...)
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

// checkFollows fails unless a log record may come behind those that end with sequence number last.
func checkFollows(last, first base.Seq, count uint32) error {
	if count > 0 && first <= last {
		return fmt.Errorf("sequence number %d follows %d", first, last)
	}
	return nil
}

// leaveTornLog flushes what was replayed, so that the log with the torn end is not needed
// any more when another one begins: only the last log may have such an end.
func (db *DB) leaveTornLog() error {
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	if err := db.flushLogs(db.logs[0].num); err != nil {
		return fmt.Errorf("flush replayed logs: %w", err)
	}
	return nil
}
