package session

import (
	"strconv"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// maintain serves what is done beside reads and writes, in a goroutine of its own.
func (s *Session) maintain(r *frame.Request) {
	id, db, fs := r.ID, s.db, s.fs
	switch r.Op {
	case frame.Flush:
		s.task(id, func() error { return db.Sync(engine.Strict) })
	case frame.Compact:
		lower, upper := bounds(&r.Entries[0])
		s.task(id, func() error { return db.Compact(lower, upper) })
	case frame.Verify:
		s.report(id, func() ([]field, error) { return verify(db) })
	case frame.Stats:
		s.report(id, func() ([]field, error) {
			fields, err := usage(fs)
			return append(stats(db.Metrics()), fields...), err
		})
	}
}

// task runs f in a goroutine and answers with its error.
func (s *Session) task(id uint32, f func() error) {
	s.report(id, func() ([]field, error) { return nil, f() })
}

// report runs f in a goroutine and answers with its fields.
func (s *Session) report(id uint32, f func() ([]field, error)) {
	s.active++
	s.spawn(func() {
		fields, err := f()
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.fail(id, err)
		} else {
			s.respondFields(id, fields)
		}
		s.finish(1)
		s.notify()
	})
}

func (s *Session) respondFields(id uint32, fields []field) {
	if len(fields) == 0 {
		s.out.Add(id, frame.OK, frame.Absent, nil, nil)
		return
	}
	for _, f := range fields {
		s.out.Add(id, frame.OK, frame.More, []byte(f.name), []byte(f.text))
	}
	s.out.EndLast(0)
}

func verify(db *engine.DB) ([]field, error) {
	r, err := db.Verify()
	if err != nil {
		return nil, err
	}
	return []field{number("files", int64(r.Tables+r.Logs)), number("bytes", r.Bytes), number("entries", r.Entries)}, nil
}

func number(name string, n int64) field { return field{name, strconv.FormatInt(n, 10)} }

// stats names metrics by their path in the object that the client makes of them.
func stats(m engine.Metrics) []field {
	fields := []field{
		number("memtable.count", int64(m.Memtables)),
		number("memtable.bytes", m.MemtableBytes),
		number("filter.checks", m.FilterChecks),
		number("filter.negatives", m.FilterNegatives),
		number("flushes", m.Flushes),
		number("compactions", m.Compactions),
		number("trivialMoves", m.TrivialMoves),
		number("written.user", m.UserBytes),
		number("written.log", m.LogBytes),
		number("written.flush", m.FlushBytes),
		number("written.compaction", m.CompactionBytesWritten),
		number("compactionBytesRead", m.CompactionBytesRead),
		number("stalls.count", m.WriteStalls),
		number("stalls.milliseconds", m.WriteStallTime.Milliseconds()),
		number("iterators", int64(m.Iterators)),
		number("snapshots", int64(m.Snapshots)),
		number("lastSequence", int64(m.LastSeq)),
	}
	fields = appendCache(fields, "blockCache.", m.BlockCache)
	fields = appendCache(fields, "tableCache.", m.TableCache)
	for i, l := range m.Levels {
		prefix := "levels." + strconv.Itoa(i) + "."
		fields = append(fields, number(prefix+"files", int64(l.Files)), number(prefix+"bytes", l.Bytes))
		if l.Files > 0 {
			fields = append(fields,
				field{prefix + "smallest", string(l.Smallest)}, field{prefix + "largest", string(l.Largest)})
		}
	}
	return fields
}

func appendCache(fields []field, prefix string, c engine.CacheMetrics) []field {
	return append(fields,
		number(prefix+"bytes", c.Bytes), number(prefix+"capacity", c.Capacity),
		number(prefix+"hits", c.Hits), number(prefix+"misses", c.Misses))
}
