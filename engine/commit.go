package engine

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// deferredDelay is how long a deferred write may wait to be logged.
const deferredDelay = 20 * time.Millisecond

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

// await returns when w has finished, with its outcome; lead says that the caller leads.
func (db *DB) await(w *waiter, lead bool) error {
	if lead {
		db.commitUntil(w)
	}
	for {
		db.mu.Lock()
		finished, err := w.finished, w.err
		db.mu.Unlock()
		if finished {
			return err
		}
		<-w.signal
		if db.mayLead(w) {
			db.commitUntil(w)
		}
	}
}

// Sync returns when every write so far is durable to degree d, which is not Deferred.
func (db *DB) Sync(d Durability) error {
	if d == Deferred {
		return fmt.Errorf("%w: Sync can't be deferred", ErrInvalidArgument)
	}
	db.mu.Lock()
	failed := db.logFailed != nil
	db.mu.Unlock()
	if failed {
		// Writes that were acknowledged in memory outlive a failed log: flushing saves them.
		if err := db.replaceLog(); err != nil {
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
	if !db.mu.TryLock() {
		return ErrWouldWait
	}
	lead, _, err := db.applyLocked(b, &waiter{durability: d, done: done})
	db.mu.Unlock()
	if lead {
		go db.commitAll()
	}
	return err
}

// applyWaiting applies the batch, waiting as long as there is no room.
func (db *DB) applyWaiting(b *Batch, w *waiter) (lead bool, err error) {
	var stalled time.Time
	var attempt uint64 // the last before the stall
	for {
		db.mu.Lock()
		failed := db.logFailed
		lead, changed, err := db.applyLocked(b, w)
		db.mu.Unlock()
		switch {
		case !errors.Is(err, ErrWouldWait):
			if !stalled.IsZero() {
				db.counters.stallTime.Add(int64(time.Since(stalled)))
			}
			return lead, err
		case failed != nil:
			if err := db.replaceLog(); err != nil {
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
		db.acknowledgeEarly(w)
		return false, nil, nil
	}
	if db.logFailed != nil {
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

// awaitLocked queues w for the log's next group.
func (db *DB) awaitLocked(log *logFile, w *waiter) (lead bool) {
	if w.durability == Deferred {
		db.deferLocked()
		db.acknowledgeEarly(w)
		// A log that is full doesn't wait for the clock.
		return len(db.logs) > 1 && db.takeLeadLocked()
	}
	log.waiters = append(log.waiters, w)
	return db.takeLeadLocked()
}

// acknowledgeEarly finishes a write that waits for nothing; its done function is called from
// another goroutine, as every one is.
func (db *DB) acknowledgeEarly(w *waiter) {
	w.finished = true
	if w.done != nil {
		go w.done(nil)
	}
}

// deferLocked starts the clock for deferred writes, unless it runs.
func (db *DB) deferLocked() {
	if db.deferred == nil {
		db.deferred = time.AfterFunc(deferredDelay, func() {
			db.mu.Lock()
			db.deferred = nil
			lead := !db.closed && db.takeLeadLocked()
			db.mu.Unlock()
			if lead {
				db.commitAll()
			}
		})
	}
}

// takeLeadLocked makes the caller the leader if there is none and the log takes writes.
func (db *DB) takeLeadLocked() bool {
	if db.leading || db.logFailed != nil {
		return false
	}
	db.leading = true
	return true
}

// endLeadLocked ends the lead of the caller. Close waits for that.
func (db *DB) endLeadLocked() {
	db.leading = false
	if db.closed {
		db.notifyLocked()
	}
}

// mayLead reports whether w, woken, is to lead.
func (db *DB) mayLead(w *waiter) bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	return !w.finished && db.takeLeadLocked()
}

// commitAll leads until nothing waits.
func (db *DB) commitAll() {
	for db.commitGroup() {
	}
}

// commitUntil leads until w has finished, and then hands over.
func (db *DB) commitUntil(w *waiter) {
	for db.commitGroup() {
		db.mu.Lock()
		if !w.finished {
			db.mu.Unlock()
			continue
		}
		db.handOverLocked()
		db.mu.Unlock()
		return
	}
}

// handOverLocked gives the lead to one that waits.
func (db *DB) handOverLocked() {
	db.endLeadLocked()
	for _, log := range db.logs {
		for _, w := range log.waiters {
			if w.signal != nil {
				wake(w.signal)
				return
			}
		}
	}
	if db.nextGroupDueLocked() {
		db.leading = true
		go db.commitAll()
	}
}

// nextGroupDueLocked reports whether a group waits for a leader and not for the clock.
func (db *DB) nextGroupDueLocked() bool {
	for _, log := range db.logs {
		if len(log.waiters) > 0 || log.retired || len(log.pending) > 0 && db.deferred == nil {
			return true
		}
	}
	return false
}

// commitGroup writes and syncs the oldest group, and tells its waiters. It returns false, and
// ends the caller's lead, if there is none.
func (db *DB) commitGroup() (more bool) {
	db.mu.Lock()
	g := db.nextGroupLocked()
	if g == nil {
		db.endLeadLocked()
		db.mu.Unlock()
		return false
	}
	db.mu.Unlock()

	err := g.write()

	db.mu.Lock()
	if err != nil {
		done := db.failLogLocked(g.waiters, err)
		db.endLeadLocked()
		db.mu.Unlock()
		callAll(done, err)
		return false
	}
	db.counters.logBytes.Add(int64(len(g.data)))
	g.release()
	if g.file != nil && g.durability == vfs.Strict {
		db.replayed = false
	}
	done := finishLocked(g.waiters, nil)
	db.mu.Unlock()
	callAll(done, nil)
	return true
}

// nextGroupLocked takes the oldest group that there is, and lets retired logs go that have none.
func (db *DB) nextGroupLocked() *group {
	for {
		log := db.logs[0]
		if g := log.takeLocked(); g != nil {
			return g
		}
		if !log.retired {
			return nil
		}
		db.logs = db.logs[1:]
		// All of it is synced: a failing close loses nothing.
		_ = log.close()
		wake(db.flushWork)
	}
}

// finishLocked tells waiters how their write ended, and returns the functions that are to be
// told by callAll when DB.mu is free. The waiters are not the caller's any more.
func finishLocked(waiters []*waiter, err error) (done []func(error)) {
	for _, w := range waiters {
		w.finished, w.err = true, err
		if w.done != nil {
			done = append(done, w.done)
		} else {
			wake(w.signal)
		}
	}
	return done
}

func callAll(done []func(error), err error) {
	for _, f := range done {
		f(err)
	}
}
