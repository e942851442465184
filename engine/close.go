package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
)

// Close ends background work, logs deferred writes with strict durability, and releases the
// lock. Iterators, images and snapshots must be closed before: Close names how many are not, and
// they fail with ErrClosed from then on. A second call returns ErrClosed.
func (db *DB) Close() error {
	syncErr := db.endWrites()
	if errors.Is(syncErr, ErrClosed) {
		return ErrClosed
	}
	db.background.Wait()

	// Whoever flushes or compacts by hand has seen db.closing and is about to end.
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	db.compactMu.Lock()
	defer db.compactMu.Unlock()
	db.manifestMu.Lock()
	defer db.manifestMu.Unlock()

	errs := []error{syncErr, db.leakError()}
	db.mu.Lock()
	logs := slices.Concat(db.failedLogs, db.logs)
	db.mu.Unlock()
	for _, log := range logs {
		errs = append(errs, log.close())
	}
	db.tables.Close()
	errs = append(errs, db.manifest.Close(), db.unlock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}

// endWrites refuses further writes, and returns when those that were taken are durable or have
// failed and no goroutine commits any more.
func (db *DB) endWrites() (err error) {
	db.mu.Lock()
	refusal := db.refusalLocked()
	db.mu.Unlock()
	if refusal != nil {
		// What outlives a failed log in memory has to be flushed, and a failed edit undone.
		err = db.Sync(Strict)
	}
	w := newWaiter(Strict)
	defer w.release()
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return ErrClosed
	}
	db.closed = true
	for _, timer := range []*time.Timer{db.deferred, db.flushLater} {
		if timer != nil {
			timer.Stop()
		}
	}
	db.ending.Store(true)
	close(db.closing)
	db.notifyLocked()
	if db.logFailed != nil {
		defer db.mu.Unlock()
		if db.failedLogs[0].replayed {
			return nil // no write was taken since Open
		}
		return cmp.Or(err, db.logFailed)
	}
	lead := db.awaitLocked(db.logs[len(db.logs)-1], w)
	db.mu.Unlock()
	err = errors.Join(err, db.await(w, lead))
	db.awaitLeader()
	return err
}

// awaitLeader returns when no goroutine commits.
func (db *DB) awaitLeader() {
	db.mu.Lock()
	defer db.mu.Unlock()
	for db.leading {
		changed := db.changed
		db.mu.Unlock()
		<-changed
		db.mu.Lock()
	}
}

// leakError names what holds on to the store that is being closed.
func (db *DB) leakError() error {
	db.mu.Lock()
	snapshots := len(db.snapshots)
	db.mu.Unlock()
	var open []string
	for _, kind := range []struct {
		count int64
		noun  string
	}{{db.iterators.Load(), "iterator"}, {db.images.Load(), "image"}, {int64(snapshots), "snapshot"}} {
		if kind.count > 0 {
			open = append(open, base.Plural(kind.count, kind.noun))
		}
	}
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("still open: %s", strings.Join(open, ", "))
}
