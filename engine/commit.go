package engine

import (
	"time"

	"github.com/varvedb/varve/vfs"
)

// Whoever applied a write leads, if nobody does: the leader takes all records that wait, writes and
// syncs them as one group, tells their waiters, and hands over.

// deferredDelay is how long a deferred write may wait to be logged.
const deferredDelay = 20 * time.Millisecond

// awaitLocked queues w for the log's next group.
func (db *DB) awaitLocked(log *logFile, w *waiter) (lead bool) {
	if w.durability == Deferred {
		db.deferLocked()
		db.acknowledgeEarlyLocked(w)
		// A log that is full doesn't wait for the clock.
		return len(db.logs) > 1 && db.takeLeadLocked()
	}
	log.waiters = append(log.waiters, w)
	return db.takeLeadLocked()
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

// acknowledgeEarlyLocked finishes a write that waits for nothing; its done function is called
// from another goroutine, as every one is.
func (db *DB) acknowledgeEarlyLocked(w *waiter) {
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

// commitGroup writes and syncs the oldest group, and tells its waiters, or lets a retired log go
// that has none. It returns false, and ends the caller's lead, if there is nothing to do.
func (db *DB) commitGroup() (more bool) {
	db.mu.Lock()
	log := db.logs[0]
	g := log.takeLocked()
	if g == nil && !log.retired {
		db.endLeadLocked()
		db.mu.Unlock()
		return false
	}
	db.mu.Unlock()
	if g == nil {
		db.leaveLog(log)
		return true
	}
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

// leaveLog lets a retired log go, the oldest. The caller leads.
func (db *DB) leaveLog(log *logFile) {
	// All of it is synced: a failing close loses nothing.
	_ = log.close()
	db.mu.Lock()
	db.logs = db.logs[1:]
	db.mu.Unlock()
	wake(db.flushWork)
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
