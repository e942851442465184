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

// compactLoop compacts as long as a level needs it.
func (db *DB) compactLoop() {
	defer db.background.Done()
	for {
		select {
		case <-db.closing:
			return
		case <-db.compactWork:
		}
		for {
			more, err := db.compactOnce()
			if errors.Is(err, compact.ErrCanceled) {
				return
			}
			if err != nil {
				// Tried again after the next flush; meanwhile writes are told if they stall.
				db.mu.Lock()
				db.compactErr = fmt.Errorf("compact: %w", err)
				db.notifyLocked()
				db.mu.Unlock()
				break
			}
			if !more {
				break
			}
		}
	}
}

// compactOnce does the most urgent compaction; it returns false if none is needed.
func (db *DB) compactOnce() (bool, error) {
	db.compactMu.Lock()
	defer db.compactMu.Unlock()
	s, _ := db.acquire()
	defer s.unref()
	c := compact.Pick(s.version, db.limits(), db.manifest.CompactPointer, func(*manifest.Table) bool { return false })
	if c == nil {
		return false, nil
	}
	return true, db.runCompaction(c)
}

// runCompaction carries c out. db.compactMu is held, and c's version referenced.
func (db *DB) runCompaction(c *compact.Compaction) error {
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
		return fmt.Errorf("level %d: %w", c.Level, err)
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
	db.compactErr = nil
	db.mu.Unlock()
	return nil
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
// down to the lowest level with such tables, dropping what is deleted or overwritten there. Nil
// bounds are open. It returns when that is done.
func (db *DB) Compact(lower, upper []byte) error {
	if err := checkBounds(lower, upper); err != nil {
		return err
	}
	if err := db.Flush(); err != nil {
		return err
	}
	for level := range base.NumLevels - 1 {
		if !db.anyBelow(level, lower, upper) {
			return db.rewriteLevel(level, lower, upper)
		}
		if err := db.compactLevel(level, lower, upper); err != nil {
			return err
		}
	}
	return db.rewriteLevel(base.NumLevels-1, lower, upper)
}

// anyBelow reports whether a level below the given one has tables in the range; level 0 counts
// as if there were.
func (db *DB) anyBelow(level int, lower, upper []byte) bool {
	s, _ := db.acquire()
	defer s.unref()
	if level == 0 {
		return true
	}
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
// where they may hold what can be dropped.
func (db *DB) rewriteLevel(level int, lower, upper []byte) error {
	return db.eachPiece(lower, upper, func(v *manifest.Version, from []byte) *compact.Compaction {
		for _, t := range v.Overlapping(level, from, upper) {
			if mayHoldGarbage(t) {
				return compact.Rewrite(v, level, []*manifest.Table{t}, db.limits())
			}
		}
		return nil
	})
}

// eachPiece runs the compactions that pick returns for the current version and the user key
// from which on to look, until there are none. Each begins behind the one before, so that it ends.
func (db *DB) eachPiece(lower, upper []byte, pick func(v *manifest.Version, from []byte) *compact.Compaction) error {
	db.compactMu.Lock()
	defer db.compactMu.Unlock()
	from := lower
	for {
		s, _ := db.acquire()
		c := pick(s.version, from)
		if c == nil {
			s.unref()
			return nil
		}
		_, last := c.Range()
		err := db.runCompaction(c)
		s.unref()
		if err != nil {
			return fmt.Errorf("compact: %w", err)
		}
		from = append(bytes.Clone(last), 0)
		if upper != nil && bytes.Compare(from, upper) >= 0 {
			return nil
		}
	}
}

// mayHoldGarbage reports whether merging t alone could drop an entry. Of a table written
// before the store was opened that isn't known.
func mayHoldGarbage(t *manifest.Table) bool {
	return t.Entries == 0 || t.Tombstones > 0 || t.Shadowed > 0
}
