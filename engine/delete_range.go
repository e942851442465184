package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/pace"
)

// maxAtomicClear is the number of bytes of tombstones up to which DeleteRange writes them as one
// batch.
const maxAtomicClear = 4 << 20

// DeleteRange deletes the keys from lower up to, not including, upper that are there at the time
// of the call. Nil bounds are open. Of writes made meanwhile by others, those into the range
// come before or after it.
//
// Where the range covers whole tables, and no snapshot is open that may need them, they are
// dropped and the tables at its ends are trimmed, in one atomic step that needs no reading of
// what is dropped; NewSnapshot waits for its end, and so do flushes. Else each key gets a tombstone, atomically
// unless they take more than 4 MiB.
func (db *DB) DeleteRange(lower, upper []byte, d Durability) error {
	if err := checkBounds(lower, upper); err != nil {
		return err
	}
	if !db.coversTable(lower, upper) {
		return db.deleteEach(lower, upper, d)
	}
	if err := db.Flush(); err != nil {
		return err
	}
	dropped, err := db.dropRange(lower, upper)
	if err != nil {
		return fmt.Errorf("delete range: %w", err)
	}
	if !dropped {
		return db.deleteEach(lower, upper, d)
	}
	return nil
}

// coversTable reports whether some table lies in the range, and no snapshot is open.
func (db *DB) coversTable(lower, upper []byte) bool {
	if db.hasSnapshots() {
		return false
	}
	s, _ := db.acquire()
	defer s.unref()
	for level := range s.version.Levels {
		for _, t := range s.version.Overlapping(level, lower, upper) {
			if covers(lower, upper, t) {
				return true
			}
		}
	}
	return false
}

func (db *DB) hasSnapshots() bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	return len(db.snapshots) > 0
}

func covers(lower, upper []byte, t *manifest.Table) bool {
	return bytes.Compare(lower, base.UserKey(t.Smallest)) <= 0 &&
		(upper == nil || bytes.Compare(base.UserKey(t.Largest), upper) < 0)
}

// deleteEach writes a tombstone for every key in the range.
func (db *DB) deleteEach(lower, upper []byte, d Durability) (err error) {
	it, err := db.NewIterator(IterOptions{Lower: lower, Upper: upper, NoCacheFill: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	var b Batch
	p := pace.New(db.opts.Yield)
	for valid := it.First(); valid; valid = it.Next() {
		// Other programs write keys that Delete refuses.
		if err := b.begin(base.KindDelete, it.Key(), 0); err != nil {
			return fmt.Errorf("delete range: %w", err)
		}
		if b.Len() >= maxAtomicClear {
			if err := db.Apply(&b, d); err != nil {
				return fmt.Errorf("delete range: %w", err)
			}
			b.Reset()
		}
		p.Did(1)
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("delete range: %w", err)
	}
	if b.Count() == 0 && d != Deferred {
		// What is gone may be so by deletes that are less durable than this is to be.
		err = db.Sync(d)
	} else {
		err = db.Apply(&b, d)
	}
	if err != nil {
		return fmt.Errorf("delete range: %w", err)
	}
	return nil
}

// dropRange takes the range out of all tables. It returns false if a snapshot may need them.
//
// Level 0 is merged down first: its tables go by age, and a trimmed one would be the newest. Nothing
// may come there before the end: the tables of an Ingest go to several levels, and a later write may
// be merged down before an earlier one.
func (db *DB) dropRange(lower, upper []byte) (bool, error) {
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	if err := db.compactLevel(0, lower, upper); err != nil {
		return false, err
	}
	return db.dropTables(lower, upper)
}

// dropTables takes the range out of the tables below level 0. It returns false, and does nothing,
// if a snapshot may need them.
func (db *DB) dropTables(lower, upper []byte) (bool, error) {
	db.compactMu.Lock()
	defer db.compactMu.Unlock()
	if db.isClosing() {
		return false, ErrClosed
	}
	if !db.holdSnapshots() {
		return false, nil
	}
	defer db.admitSnapshots()
	s, _ := db.acquire()
	defer s.unref()
	edit := &manifest.Edit{}
	for level := 1; level < base.NumLevels; level++ {
		for _, t := range s.version.Overlapping(level, lower, upper) {
			edit.Deleted = append(edit.Deleted, manifest.DeletedTable{Level: level, Num: t.Num})
			if covers(lower, upper, t) {
				continue
			}
			result, err := compact.Trim(db.compactEnv(), t, lower, upper)
			if err != nil {
				return false, errors.Join(mergeError(err), db.removeAdded(edit))
			}
			for _, trimmed := range result.Tables {
				edit.Added = append(edit.Added, manifest.AddedTable{Level: level, Table: trimmed})
			}
		}
	}
	return true, db.applyContentEdit(edit)
}

// removeAdded removes the tables that an edit was to add, which has not been applied.
func (db *DB) removeAdded(edit *manifest.Edit) error {
	var errs []error
	for _, added := range edit.Added {
		errs = append(errs, db.fs.Remove(base.FileName(base.FileTable, added.Num)))
	}
	return errors.Join(errs...)
}
