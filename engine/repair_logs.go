package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/memtable"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/engine/internal/skiplist"
)

// repairLog is a log whose entries may be in no table.
type repairLog struct {
	storeFile
	entries int64 // that recovery would replay
	err     error // why it can't be replayed
}

// surveyLogs looks for the logs that are not known to be in tables, and checks each.
func (r *repairer) surveyLogs() error {
	for _, f := range r.files {
		m := r.manifest
		if f.kind == base.FileLog && (!m.hasLogNum || f.num >= m.logNum || f.num == m.prevLogNum) {
			r.logs = append(r.logs, &repairLog{storeFile: f})
		}
	}
	slices.SortFunc(r.logs, func(a, b *repairLog) int { return cmp.Compare(a.num, b.num) })
	for i, l := range r.logs {
		if l.err = r.checkLog(l, r.isLast(i)); l.err != nil {
			if err := r.problem(fmt.Errorf("replay log %s: %w", l.Name, l.err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isLast reports whether no log behind log i has bytes: a crash may have cut off its end.
func (r *repairer) isLast(i int) bool {
	return !slices.ContainsFunc(r.logs[i+1:], func(later *repairLog) bool { return later.Size > 0 })
}

// checkLog fails unless recovery would replay the log.
func (r *repairer) checkLog(l *repairLog, last bool) (err error) {
	file, err := r.fs.Open(l.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	records := record.NewReader(file, file.Size(), l.Name)
	for {
		offset := records.Offset()
		data, err := records.Next()
		switch {
		case err == io.EOF || errors.Is(err, record.ErrTorn) && last:
			return nil
		case errors.Is(err, record.ErrTorn):
			return base.Corruption(l.Name, offset, "the log ends within a record, though a later log follows")
		case err != nil:
			return err
		}
		count, err := r.checkRecord(data)
		if err != nil {
			return base.Corruption(l.Name, offset, "%v", err)
		}
		l.entries += int64(count)
	}
}

// checkRecord fails unless recovery would replay the record behind those that were checked before. It
// returns the number of the record's entries.
func (r *repairer) checkRecord(data []byte) (count uint32, err error) {
	first, count, err := checkBatch(data)
	if err != nil {
		return 0, err
	}
	if err := checkFollows(r.lastLogged, first, count); err != nil {
		// What the manifest counts is in tables, and may have been deleted there.
		r.report.Uncertain = r.report.Uncertain || first <= r.manifest.lastSeq
		return 0, err
	}
	if count > 0 {
		r.lastLogged = first + base.Seq(count) - 1
	}
	return count, nil
}

// checkBatch returns the sequence number and the count of a log record, if it is well formed.
func checkBatch(data []byte) (first base.Seq, count uint32, err error) {
	if first, count, err = batchHeader(data); err != nil {
		return 0, 0, err
	}
	return first, count, eachEntry(data, func(uint32, batchEntry) error { return nil })
}

// spillLogs writes what can be read of the logs into tables.
func (r *repairer) spillLogs() ([]*manifest.Table, error) {
	s := &logSpill{r: r}
	for i, l := range r.logs {
		if err := r.spillLog(s, l, r.isLast(i)); err != nil {
			return nil, fmt.Errorf("salvage log %s: %w", l.Name, err)
		}
	}
	if err := s.flush(); err != nil {
		return nil, err
	}
	return s.tables, nil
}

func (r *repairer) spillLog(s *logSpill, l *repairLog, last bool) error {
	file, err := r.fs.Open(l.Name)
	switch {
	case err != nil && base.Unreadable(err):
		r.loseOfLog(l, 0, l.Size, err.Error())
		return nil
	case err != nil:
		return err
	}
	lose := func(from, to int64, reason string) { r.loseOfLog(l, from, to, reason) }
	records := record.Salvage{Damage: lose, Record: func(from, to int64, data []byte) error {
		first, count, err := checkBatch(data)
		if err != nil {
			lose(from, to, err.Error())
			return nil
		}
		return s.add(data, first, int(count))
	}}
	torn, err := records.Read(file, l.Size)
	if torn >= 0 && !last {
		lose(torn, l.Size, "the log ends within a record")
	}
	return errors.Join(err, file.Close())
}

// loseOfLog notes damage to a log, which may have lost nothing.
func (r *repairer) loseOfLog(l *repairLog, from, to int64, reason string) {
	if from < to {
		r.report.Losses = append(r.report.Losses, Loss{File: l.Name, From: from, To: to, Reason: reason})
	}
	r.damaged[l.Name] = true
}

// logSpill sorts the entries of logs, a memtable at a time.
type logSpill struct {
	r      *repairer
	table  *memtable.Memtable
	tables []*manifest.Table
}

// add adds the entries of a batch that passed checkBatch.
func (s *logSpill) add(data []byte, first base.Seq, count int) error {
	if s.table == nil || !s.table.Room(count, len(data)) {
		if err := s.flush(); err != nil {
			return err
		}
		size := max(s.r.db.opts.MemtableSize, memtable.ArenaSize(count, len(data)))
		s.table = memtable.New(make([]byte, size))
	}
	var splice memtable.Splice
	return eachEntry(data, func(i uint32, e batchEntry) error {
		seq := first + base.Seq(i)
		s.r.lastSeq = max(s.r.lastSeq, seq)
		err := s.table.Add(&splice, seq, e.kind, e.key, e.value)
		if errors.Is(err, skiplist.ErrExists) {
			return nil
		}
		return err
	})
}

// flush makes a table of the entries added since the last one.
func (s *logSpill) flush() error {
	if s.table == nil || s.table.Empty() {
		return nil
	}
	result, err := compact.Flush(s.r.env(), s.table.NewIterator())
	if err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	s.table = nil
	s.tables = append(s.tables, result.Tables...)
	return nil
}
