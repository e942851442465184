package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
)

// compactLoop compacts as long as a level needs it. Several loops work side by side.
func (db *DB) compactLoop() {
	defer db.background.Done()
	for {
		select {
		case <-db.closing:
			return
		case <-db.compactWork:
		}
		for {
			attempt := db.beginAttempt()
			more, err := db.compactOnce()
			if err != nil && !errors.Is(err, ErrClosed) {
				// Tried again after the next flush, or when a write stalls, which is then told.
				db.mu.Lock()
				db.compactErr = failure{attempt, fmt.Errorf("compact: %w", err)}
				db.notifyLocked()
				db.mu.Unlock()
				db.tryLog()
			}
			if err != nil || !more {
				break
			}
		}
	}
}

// compactOnce does the most urgent compaction that touches no table of another; it returns false
// if none is needed.
func (db *DB) compactOnce() (bool, error) {
	db.compactMu.RLock()
	defer db.compactMu.RUnlock()
	if db.isClosing() {
		return false, ErrClosed
	}
	s, c, _ := db.claim(db.pickLocked)
	if c == nil {
		return false, nil
	}
	defer s.unref()
	db.mu.Lock()
	failing := db.compactErr.err != nil
	db.mu.Unlock()
	if !failing {
		// Another loop may find work beside this.
		wake(db.compactWork)
	}
	return true, db.runCompaction(c)
}

// pickLocked picks what the levels need most. While space is short that is only what gives some
// back and needs little of it, or what stalled writes, which are deletes then, wait for: merging
// costs space at first.
func (db *DB) pickLocked(v *manifest.Version) *compact.Compaction {
	limits := db.limits()
	if db.ShortOfSpace() && len(v.Levels[0]) < db.opts.L0StopFiles {
		return compact.PickDense(v, limits, limits.TableSize, db.isBusyLocked)
	}
	return compact.Pick(v, limits, db.manifest.CompactPointer, db.isBusyLocked)
}

// isBusyLocked reports whether c can't run beside what is running.
func (db *DB) isBusyLocked(c *compact.Compaction) bool {
	for t := range c.Tables() {
		if _, busy := db.busy[t.Num]; busy {
			return true
		}
	}
	return slices.ContainsFunc(db.running, c.Collides)
}

// claim makes the tables of what pick returns busy, and the keys between them in the level that it
// writes into. It returns nil if there is nothing to do, and busy if that can't be done now. The
// compaction's version is referenced by s.
//
// The version is acquired under pickMu: what another compaction changes in it since, that one
// had claimed, and claims still.
func (db *DB) claim(pick func(v *manifest.Version) *compact.Compaction) (s *readState, c *compact.Compaction, busy bool) {
	db.pickMu.Lock()
	defer db.pickMu.Unlock()
	s, _ = db.acquire()
	c = pick(s.version)
	busy = c != nil && db.isBusyLocked(c)
	if c == nil || busy {
		s.unref()
		return nil, nil, busy
	}
	db.running = append(db.running, c)
	for t := range c.Tables() {
		db.busy[t.Num] = struct{}{}
	}
	return s, c, false
}

// runCompaction carries c out, whose tables are claimed, and gives them free. db.compactMu is
// held for reading, and c's version referenced.
func (db *DB) runCompaction(c *compact.Compaction) error {
	err := db.mergeClaimed(c)
	db.unclaim(c)
	if err == nil {
		wake(db.compactWork)
	}
	return err
}

// mergeClaimed carries out a compaction whose tables are claimed.
func (db *DB) mergeClaimed(c *compact.Compaction) error {
	edit := c.Edit()
	if c.IsMove() {
		edit.Added = []manifest.AddedTable{{Level: c.Output, Table: c.Inputs[0][0]}}
		if err := db.applyEdit(edit, nil); err != nil {
			return err
		}
		db.counters.moves.Add(1)
		return nil
	}
	result, err := c.Run(db.compactEnv())
	if err != nil {
		return fmt.Errorf("level %d: %w", c.Level, mergeError(err))
	}
	for _, t := range result.Tables {
		edit.Added = append(edit.Added, manifest.AddedTable{Level: c.Output, Table: t})
	}
	if err := db.applyEdit(edit, nil); err != nil {
		return err
	}
	db.counters.compactions.Add(1)
	db.counters.compactionRead.Add(c.InputBytes())
	db.counters.compactionWritten.Add(result.BytesWritten)
	db.mu.Lock()
	db.compactErr = failure{}
	db.mu.Unlock()
	return nil
}

func (db *DB) unclaim(c *compact.Compaction) {
	db.pickMu.Lock()
	db.running = slices.DeleteFunc(db.running, func(other *compact.Compaction) bool { return other == c })
	for t := range c.Tables() {
		delete(db.busy, t.Num)
	}
	db.pickMu.Unlock()
	db.mu.Lock()
	db.notifyLocked()
	db.mu.Unlock()
}

// mergeError returns ErrClosed for the error of a merge that Close has cut short.
func mergeError(err error) error {
	if errors.Is(err, compact.ErrCanceled) {
		return ErrClosed
	}
	return err
}

func (db *DB) compactEnv() compact.Env {
	db.mu.Lock()
	snapshots := slices.Compact(slices.Clone(db.snapshots))
	db.mu.Unlock()
	return compact.Env{
		FS:        db.fs,
		Tables:    db.tables,
		Writer:    db.writerOptions(),
		NewNum:    db.manifest.NextFileNum,
		Snapshots: snapshots,
		Yield:     db.opts.Yield,
		Canceled:  db.isClosing,
	}
}

// Compact flushes, and merges the tables that hold keys from lower up to, not including, upper
// down to the lowest level with such tables, dropping what is deleted or overwritten there, and
// makes small tables there one. Nil bounds are open; if both are, a manifest that has grown is
// begun anew. It returns when that is done.
func (db *DB) Compact(lower, upper []byte) error {
	if err := checkBounds(lower, upper); err != nil {
		return err
	}
	if err := db.Flush(); err != nil {
		return err
	}
	if err := db.compactRange(lower, upper); err != nil || lower != nil || upper != nil {
		return err
	}
	return db.shrinkManifest()
}

func (db *DB) compactRange(lower, upper []byte) error {
	for level := range base.NumLevels - 1 {
		if level > 0 && !db.anyBelow(level, lower, upper) {
			return db.rewriteLevel(level, lower, upper)
		}
		if err := db.compactLevel(level, lower, upper); err != nil {
			return err
		}
	}
	return db.rewriteLevel(base.NumLevels-1, lower, upper)
}

// anyBelow reports whether a level below the given one has tables in the range.
func (db *DB) anyBelow(level int, lower, upper []byte) bool {
	s, _ := db.acquire()
	defer s.unref()
	for below := level + 1; below < base.NumLevels; below++ {
		if len(s.version.Overlapping(below, lower, upper)) > 0 {
			return true
		}
	}
	return false
}

// compactLevel merges the range's tables of level into the next one, piece by piece.
func (db *DB) compactLevel(level int, lower, upper []byte) error {
	return db.eachPiece(lower, upper, func(v *manifest.Version, from []byte) *compact.Compaction {
		return compact.PickRange(v, level, from, upper, db.limits())
	})
}

// rewriteLevel merges the range's tables of level, the lowest that has any, among themselves,
// where they may hold what can be dropped or are small. How small they are without what is dropped
// is known only then.
func (db *DB) rewriteLevel(level int, lower, upper []byte) error {
	none := func(*manifest.Table) bool { return false }
	for _, wanted := range []func(*manifest.Table) bool{mayHoldGarbage, none} {
		err := db.eachPiece(lower, upper, func(v *manifest.Version, from []byte) *compact.Compaction {
			return compact.PickRewrite(v, level, lower, from, upper, db.limits(), wanted)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shrinkManifest begins a fresh manifest if the present one has grown much.
func (db *DB) shrinkManifest() error {
	db.manifestMu.Lock()
	defer db.manifestMu.Unlock()
	if db.isClosing() {
		return ErrClosed
	}
	if err := db.manifest.Shrink(); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return nil
}

// mayHoldGarbage reports whether merging t alone could drop an entry. Of a table written
// before the store was opened that isn't known.
func mayHoldGarbage(t *manifest.Table) bool {
	return t.Entries == 0 || t.Tombstones > 0 || t.Shadowed > 0
}

// eachPiece runs the compactions that pick returns for the current version and the user key
// from which on to look, until there are none. Each ends behind the one before, so that it ends.
func (db *DB) eachPiece(lower, upper []byte, pick func(v *manifest.Version, from []byte) *compact.Compaction) error {
	from := lower
	for {
		last, err := db.runPiece(func(v *manifest.Version) *compact.Compaction { return pick(v, from) })
		if err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		if last == nil {
			return nil
		}
		from = append(bytes.Clone(last), 0)
		if upper != nil && bytes.Compare(from, upper) >= 0 {
			return nil
		}
	}
}

// runPiece runs what pick returns, waiting while its tables are busy. It returns the largest user
// key that it has compacted, or nil if there was nothing to do.
func (db *DB) runPiece(pick func(v *manifest.Version) *compact.Compaction) (last []byte, err error) {
	for {
		db.mu.Lock()
		changed := db.changed
		db.mu.Unlock()
		done, last, err := db.tryPiece(pick)
		if done || err != nil {
			return last, err
		}
		<-changed
	}
}

func (db *DB) tryPiece(pick func(v *manifest.Version) *compact.Compaction) (done bool, last []byte, err error) {
	db.compactMu.RLock()
	defer db.compactMu.RUnlock()
	if db.isClosing() {
		return true, nil, ErrClosed
	}
	s, c, busy := db.claim(pick)
	if c == nil {
		return !busy, nil, nil
	}
	defer s.unref()
	_, last = c.Range()
	return true, last, db.runCompaction(c)
}
