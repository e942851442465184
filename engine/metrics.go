package engine

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
)

// counters count since Open.
type counters struct {
	userBytes, logBytes, flushBytes     atomic.Int64
	compactionRead, compactionWritten   atomic.Int64
	flushes, compactions, moves, stalls atomic.Int64
	stallTime                           atomic.Int64 // nanoseconds
}

// Metrics tells the store's shape at one moment, and what it did since Open. Sizes are in bytes.
type Metrics struct {
	Levels        [base.NumLevels]LevelMetrics
	Memtables     int   // the mutable one and those that wait to be flushed
	MemtableBytes int64 // that their entries take
	ArenaBytes    int64 // that are reserved for them and for the next ones
	BlockCache    CacheMetrics
	TableCache    CacheMetrics

	FilterChecks    int64 // lookups in a table that asked its filter
	FilterNegatives int64 // those that the filter ended

	Flushes      int64
	Compactions  int64 // those that merged
	TrivialMoves int64 // compactions that moved a table as it was

	UserBytes              int64 // keys and values written by callers
	LogBytes               int64
	FlushBytes             int64
	CompactionBytesRead    int64
	CompactionBytesWritten int64

	WriteStalls    int64
	WriteStallTime time.Duration

	Iterators, Snapshots int // open; an Image counts as an iterator
	LastSeq              uint64
}

// MemoryBytes returns what the store holds of its MemoryBudget.
func (m *Metrics) MemoryBytes() int64 { return m.ArenaBytes + m.BlockCache.Bytes + m.TableCache.Bytes }

// WriteAmplification returns how many bytes have been written for each byte that callers wrote;
// 0 if they wrote none.
func (m *Metrics) WriteAmplification() float64 {
	if m.UserBytes == 0 {
		return 0
	}
	return float64(m.LogBytes+m.FlushBytes+m.CompactionBytesWritten) / float64(m.UserBytes)
}

// ReadAmplification returns in how many tables a read of one key may have to look: all of level
// 0 and one of each level below that has any.
func (m *Metrics) ReadAmplification() int {
	n := m.Levels[0].Files
	for _, level := range m.Levels[1:] {
		n += min(level.Files, 1)
	}
	return n
}

// LevelMetrics describes one level.
type LevelMetrics struct {
	Files             int
	Bytes             int64
	Smallest, Largest []byte // keys; nil if there are no files
}

// CacheMetrics describes one cache.
type CacheMetrics struct {
	Bytes, Capacity int64
	Hits, Misses    int64
}

// Metrics returns the store's present metrics.
func (db *DB) Metrics() Metrics {
	c := &db.counters
	m := Metrics{
		FilterChecks:           db.filters.Checks.Load(),
		FilterNegatives:        db.filters.Negatives.Load(),
		Flushes:                c.flushes.Load(),
		Compactions:            c.compactions.Load(),
		TrivialMoves:           c.moves.Load(),
		UserBytes:              c.userBytes.Load(),
		LogBytes:               c.logBytes.Load(),
		FlushBytes:             c.flushBytes.Load(),
		CompactionBytesRead:    c.compactionRead.Load(),
		CompactionBytesWritten: c.compactionWritten.Load(),
		WriteStalls:            c.stalls.Load(),
		WriteStallTime:         time.Duration(c.stallTime.Load()),
		Iterators:              int(db.iterators.Load() + db.images.Load()),
	}
	m.BlockCache.Capacity = max(db.opts.BlockCacheSize, 0)
	m.BlockCache.Bytes, m.BlockCache.Hits, m.BlockCache.Misses = db.blocks.Metrics()
	open := db.tables.Counters()
	m.TableCache = CacheMetrics{open.Bytes, open.Capacity, open.Hits, open.Misses}
	db.mu.Lock()
	m.Snapshots = len(db.snapshots)
	m.LastSeq = uint64(db.lastSeq)
	for _, arena := range db.arenas {
		m.ArenaBytes += int64(len(arena))
	}
	db.mu.Unlock()
	s, _ := db.acquire()
	defer s.unref()
	s.describe(&m)
	return m
}

func (s *readState) describe(m *Metrics) {
	m.Memtables = len(s.memtables)
	for _, memtable := range s.memtables {
		m.MemtableBytes += int64(memtable.Size())
		m.ArenaBytes += int64(len(memtable.arena))
	}
	for i, level := range s.version.Levels {
		l := &m.Levels[i]
		for _, t := range level {
			l.Files++
			l.Bytes += t.Size
			if low := base.UserKey(t.Smallest); l.Smallest == nil || bytes.Compare(low, l.Smallest) < 0 {
				l.Smallest = low
			}
			if high := base.UserKey(t.Largest); l.Largest == nil || bytes.Compare(high, l.Largest) > 0 {
				l.Largest = high
			}
		}
		l.Smallest, l.Largest = bytes.Clone(l.Smallest), bytes.Clone(l.Largest)
	}
}
