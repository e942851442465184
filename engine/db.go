package engine

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/engine/internal/tables"
	"github.com/varvedb/varve/vfs"
)

// DB is an open store.
//
// Locks, in the order in which they may be taken:
//
//	flushMu     one flush at a time; held across its I/O
//	compactMu   read-locked by compactions, locked by what must have none; held across I/O
//	manifestMu  serialises version edits; held across their I/O
//	pickMu      which tables are being compacted; held for no I/O
//	mu          everything in memory that changes; held for no I/O but the creation of a
//	            file, and across no wait, so that Try methods find it free or give up
//
// Readers take none of them: they load state, then visible.
type DB struct {
	fs      vfs.FS
	reserve reserver // fs, if it is one
	opts    Options
	unlock  io.Closer

	blocks    *cache.Cache
	tables    *tables.Cache
	counters  counters
	filters   sstable.Counters
	iterators atomic.Int64 // open ones
	images    atomic.Int64 // open ones

	// state is what a read looks through. visible is the sequence number of the newest write
	// that reads may see. A reader loads state first: what visible counts is then in it, or
	// in a later state, and never compacted away.
	state   atomic.Pointer[readState]
	visible atomic.Uint64

	flushMu    sync.Mutex
	compactMu  sync.RWMutex
	manifestMu sync.Mutex
	manifest   *manifest.Set

	pickMu  sync.Mutex
	running []*compact.Compaction
	busy    map[base.FileNum]struct{} // tables that they work on

	mu         sync.Mutex
	closed     bool
	lastSeq    base.Seq
	snapshots  snapshotList
	arenas     [][]byte       // free ones, for the next memtables
	sortBuffer []numbered     // of the last batch
	sortOrder  keyOrder       // of its keys
	logs       []*logFile     // oldest first; the last belongs to the mutable memtable
	liveLogs   []base.FileNum // logs that are there
	replayed   bool           // logs were replayed, and none was synced Strict since
	logFailed  error          // why the log took no more; nil when it does
	failedLogs []*logFile     // that were given up then, and must be closed; oldest first
	editFailed error          // why an edit of the contents failed that a crash may bring back; else nil
	leading    bool           // a goroutine is committing groups

	// snapshotHolds counts what must not have a snapshot taken while it runs: an Ingest, whose
	// sequence number is visible before its entries are there, and a DeleteRange that drops tables.
	snapshotHolds int

	deferred   *time.Timer   // runs while deferred writes wait to be logged
	flushLater *time.Timer   // until much that was replayed is flushed; nil if there is not much
	attempts   uint64        // background flushes and compactions begun
	flushErr   failure       // of the last flush, until one succeeds
	compactErr failure       // of the last compaction, until one succeeds
	changed    chan struct{} // closed and replaced when what a write may wait for changes

	background  sync.WaitGroup
	ending      atomic.Bool // set before closing is closed: cheaper to ask, as every read does
	closing     chan struct{}
	flushWork   chan struct{} // holds at most one wake-up, as compactWork does
	compactWork chan struct{}
}

func (db *DB) limits() compact.Limits {
	return compact.Limits{
		TableSize:     int64(db.opts.TableSize),
		BaseLevelSize: db.opts.BaseLevelSize,
		L0Files:       db.opts.L0CompactionFiles,
	}
}

func (db *DB) writerOptions() sstable.WriterOptions {
	return sstable.WriterOptions{
		BlockSize:        db.opts.BlockSize,
		RestartInterval:  db.opts.RestartInterval,
		FilterBitsPerKey: db.opts.FilterBitsPerKey,
		NoCompression:    db.opts.Compression == NoCompression,
	}
}

// notifyLocked wakes all that wait for a change of the store's state.
func (db *DB) notifyLocked() {
	close(db.changed)
	db.changed = make(chan struct{})
}

// wake asks the goroutine that listens on work to look for some.
func wake(work chan struct{}) {
	select {
	case work <- struct{}{}:
	default:
	}
}

func (db *DB) isClosing() bool { return db.ending.Load() }
