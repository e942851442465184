package engine

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
)

// Put stores value under key.
func (db *DB) Put(key, value []byte, d Durability) error {
	b := batches.Get().(*Batch)
	defer batches.Put(b)
	b.Reset()
	if err := b.Put(key, value); err != nil {
		return err
	}
	return db.Apply(b, d)
}

// Delete removes key. It is no error if there is none.
func (db *DB) Delete(key []byte, d Durability) error {
	b := batches.Get().(*Batch)
	defer batches.Put(b)
	b.Reset()
	if err := b.Delete(key); err != nil {
		return err
	}
	return db.Apply(b, d)
}

var batches = sync.Pool{New: func() any { return new(Batch) }}

// Apply makes the batch take effect, and returns when it is as durable as d says.
//
// If it fails, the batch has no effect. Others see it from before Apply returns.
func (db *DB) Apply(b *Batch, d Durability) error {
	w := newWaiter(d)
	defer w.release()
	lead, err := db.applyWaiting(b, w)
	if err != nil {
		return err
	}
	if d == Deferred {
		if lead {
			go db.commitAll()
		}
		return nil
	}
	return db.await(w, lead)
}

// ApplyAsync makes the batch visible, waiting for room if need be, and returns; done is called
// with the outcome that Apply would return, from another goroutine. done must not wait for a
// write: the next ones are committed when it has returned. If ApplyAsync fails, done is not
// called. The batch may be reused when ApplyAsync returns.
func (db *DB) ApplyAsync(b *Batch, d Durability, done func(error)) error {
	lead, err := db.applyWaiting(b, &waiter{durability: d, done: done})
	if lead {
		go db.commitAll()
	}
	return err
}

// TryApply is ApplyAsync that never waits: it fails with ErrWouldWait, without any effect, if
// the batch can't be made visible at once.
func (db *DB) TryApply(b *Batch, d Durability, done func(error)) error {
	if db.shortOfSpaceFor(b) || !db.mu.TryLock() {
		return ErrWouldWait
	}
	lead, _, err := db.applyLocked(b, &waiter{durability: d, done: done})
	db.mu.Unlock()
	if lead {
		go db.commitAll()
	}
	return err
}

// Sync returns when every write so far is durable to degree d, which is not Deferred.
func (db *DB) Sync(d Durability) error {
	if d == Deferred {
		return fmt.Errorf("%w: Sync can't be deferred", ErrInvalidArgument)
	}
	db.mu.Lock()
	refusal := db.refusalLocked()
	db.mu.Unlock()
	if refusal != nil {
		// Writes that were acknowledged in memory outlive a failed log: flushing saves them.
		if err := db.mend(); err != nil {
			return err
		}
	}
	if d == Strict {
		if err := db.beginStrictLog(); err != nil {
			return err
		}
	}
	return db.syncLogs(d)
}

// beginStrictLog sees to it that there is a file to be synced, if the logs that were replayed may
// have been synced Relaxed only: a Strict sync of any file covers the Relaxed ones before it.
func (db *DB) beginStrictLog() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !db.replayed || db.closed || db.logFailed != nil {
		return nil
	}
	return db.createLogLocked(db.logs[len(db.logs)-1])
}

// syncLogs makes every write so far durable, unless a log has failed.
func (db *DB) syncLogs(d Durability) error {
	w := newWaiter(d)
	defer w.release()
	db.mu.Lock()
	if err := db.logFailed; db.closed || err != nil {
		db.mu.Unlock()
		return cmp.Or(err, ErrClosed)
	}
	lead := db.awaitLocked(db.logs[len(db.logs)-1], w)
	db.mu.Unlock()
	return db.await(w, lead)
}

// applyWaiting applies the batch, waiting as long as there is no room.
func (db *DB) applyWaiting(b *Batch, w *waiter) (lead bool, err error) {
	if err := db.admit(b); err != nil {
		return false, err
	}
	var stalled time.Time
	var attempt uint64 // the last before the stall
	for {
		db.mu.Lock()
		refusal := db.refusalLocked()
		lead, changed, err := db.applyLocked(b, w)
		db.mu.Unlock()
		switch {
		case !errors.Is(err, ErrWouldWait):
			if !stalled.IsZero() {
				db.counters.stallTime.Add(int64(time.Since(stalled)))
			}
			return lead, err
		case refusal != nil:
			if err := db.mend(); err != nil {
				return false, err
			}
		default:
			if stalled.IsZero() {
				stalled = time.Now()
				db.counters.stalls.Add(1)
				attempt = db.lastAttempt()
			}
			wake(db.flushWork)
			wake(db.compactWork)
			<-changed
			if err := db.stallError(attempt); err != nil {
				return false, err
			}
		}
	}
}

// applyLocked logs the batch and inserts it into the memtable, where reads see it at once. If
// it fails with ErrWouldWait, changed is closed when it is worth trying again. lead says
// that the caller must see to it that the groups are committed.
func (db *DB) applyLocked(b *Batch, w *waiter) (lead bool, changed <-chan struct{}, err error) {
	if db.closed {
		return false, nil, ErrClosed
	}
	if b.Count() == 0 {
		db.acknowledgeEarlyLocked(w)
		return false, nil, nil
	}
	if db.refusalLocked() != nil {
		return false, db.changed, ErrWouldWait
	}
	m := db.mutableLocked()
	if !m.Room(b.Count(), len(b.data)) {
		if db.stalledLocked() {
			return false, db.changed, ErrWouldWait
		}
		db.rotateLocked(b)
		m = db.mutableLocked()
	}
	log := db.logs[len(db.logs)-1]
	first := db.lastSeq + 1
	b.setSeq(first)
	if _, _, err := batchHeader(b.data); err != nil {
		return false, nil, fmt.Errorf("log batch: %w", err)
	}
	if err := db.appendLocked(log, b.data); err != nil {
		return false, nil, err
	}
	if err := db.insertLocked(m, b, first); err != nil {
		return false, nil, err
	}
	db.lastSeq += base.Seq(b.Count())
	db.visible.Store(uint64(db.lastSeq))
	db.counters.userBytes.Add(int64(len(b.data) - batchHeaderLen))
	w.first, w.last = first, db.lastSeq
	return db.awaitLocked(log, w), nil, nil
}
