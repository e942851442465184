package engine

import (
	"errors"
	"fmt"
	"sync"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/vfs"
)

// logFile is a log being written. Its file is created by what first needs one.
//
// Records gather in pending, under DB.mu; the goroutine that leads takes them all, writes and
// syncs them without the lock, and tells the waiters.
type logFile struct {
	num     base.FileNum
	file    vfs.Writer
	encoder record.Encoder

	pending []byte    // encoded records that no leader has taken yet
	spare   []byte    // the buffer that pending alternates with
	waiters []*waiter // of pending records, in order

	// retired: its memtable is full, no record will be added. It leaves DB.logs when all is synced.
	retired bool

	// replayed: it was there at Open, and is in the way of the next: see leaveTornLog.
	replayed bool

	// unsynced: bytes were written with no more than Relaxed durability.
	unsynced bool
}

// waiter is one write that wants to know when it is durable.
type waiter struct {
	first, last base.Seq
	durability  Durability
	done        func(error)   // of an asynchronous write
	signal      chan struct{} // of a synchronous one: it has finished, or is to lead
	finished    bool          // guarded by DB.mu, as is err
	err         error
}

// maxLogBuffer bounds the buffers that a log keeps for its next records.
const maxLogBuffer = 1 << 20

var waiters = sync.Pool{New: func() any { return &waiter{signal: make(chan struct{}, 1)} }}

// newWaiter returns the waiter of a synchronous write.
func newWaiter(d Durability) *waiter {
	w := waiters.Get().(*waiter)
	w.durability = d
	return w
}

// release lets the waiter be used again. Nothing that commits knows it any more.
func (w *waiter) release() {
	select {
	case <-w.signal:
	default:
	}
	*w = waiter{signal: w.signal}
	waiters.Put(w)
}

// group is what one leader writes at once.
type group struct {
	log        *logFile
	file       vfs.Writer // the log's when the group was taken; nil: there is nothing to sync
	data       []byte
	waiters    []*waiter
	durability vfs.Durability
}

// appendLocked adds a record. It creates the log's file if there is none yet.
func (db *DB) appendLocked(l *logFile, data []byte) error {
	if err := db.createLogLocked(l); err != nil {
		return err
	}
	l.pending = l.encoder.Append(l.pending, data)
	return nil
}

// createLogLocked creates the log's file unless there is one.
func (db *DB) createLogLocked(l *logFile) error {
	if l.file != nil {
		return nil
	}
	name := base.FileName(base.FileLog, l.num)
	file, err := db.fs.Create(name)
	if err != nil {
		return fmt.Errorf("create log %s: %w", name, err)
	}
	l.file = file
	db.liveLogs = append(db.liveLogs, l.num)
	return nil
}

// takeLocked returns what is to be written now, or nil.
func (l *logFile) takeLocked() *group {
	if len(l.pending) == 0 && len(l.waiters) == 0 && !(l.retired && l.unsynced) {
		return nil
	}
	g := &group{log: l, file: l.file, data: l.pending, waiters: l.waiters, durability: vfs.Relaxed}
	for _, w := range l.waiters {
		if w.durability == Strict {
			g.durability = vfs.Strict
		}
	}
	if l.retired {
		// What follows in the next log must not survive what is in this one.
		g.durability = vfs.Strict
	}
	l.pending, l.spare = l.spare[:0], nil
	l.waiters = nil
	return g
}

// write makes the group durable.
func (g *group) write() error {
	if g.file == nil {
		return nil
	}
	if len(g.data) > 0 {
		if _, err := g.file.Write(g.data); err != nil {
			return fmt.Errorf("write log %s: %w", base.FileName(base.FileLog, g.log.num), err)
		}
	}
	if err := g.file.Sync(g.durability); err != nil {
		return fmt.Errorf("sync log %s: %w", base.FileName(base.FileLog, g.log.num), err)
	}
	return nil
}

// release gives the group's buffer back to its log. DB.mu is held.
func (g *group) release() {
	g.log.unsynced = g.durability != vfs.Strict
	if cap(g.data) <= maxLogBuffer {
		g.log.spare = g.data[:0]
	}
}

// close closes the log's file, if it has one.
func (l *logFile) close() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	if err != nil && !errors.Is(err, vfs.ErrClosed) {
		return fmt.Errorf("close log %s: %w", base.FileName(base.FileLog, l.num), err)
	}
	return nil
}
