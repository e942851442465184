package engine

import (
	"cmp"
	"fmt"

	"github.com/varvedb/varve/engine/internal/manifest"
)

// An edit that failed may stand in the manifest all the same. Of a flush or a compaction that
// does no harm. But one that changes what reads find, an Ingest's or a DeleteRange's, must not
// be recovered together with later writes: none is taken until a fresh manifest, which lacks
// the edit, is in force.

// applyContentEdit is applyEdit for an edit that changes what reads find.
func (db *DB) applyContentEdit(edit *manifest.Edit) error {
	err := db.applyEdit(edit, nil)
	if err != nil {
		db.mu.Lock()
		defer db.mu.Unlock()
		db.editFailed = err
	}
	return err
}

// refusalLocked returns why no writes are taken until mend has succeeded, if so.
func (db *DB) refusalLocked() error { return cmp.Or(db.logFailed, db.editFailed) }

// mend leads back to a store that takes writes, after a failure of its log or its manifest.
func (db *DB) mend() error {
	if err := db.replaceLog(); err != nil {
		return err
	}
	err := db.settleManifest()
	if err != nil {
		db.tryLog()
	}
	return err
}

// settleManifest sees to it that an edit that failed is never recovered.
func (db *DB) settleManifest() error {
	db.manifestMu.Lock()
	defer db.manifestMu.Unlock()
	db.mu.Lock()
	cause, closed := db.editFailed, db.closed
	db.mu.Unlock()
	switch {
	case cause == nil:
		return nil
	case closed:
		return ErrClosed
	}
	if err := db.manifest.Settle(); err != nil {
		return fmt.Errorf("begin a new manifest after %q: %w", cause, err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.editFailed = nil
	db.notifyLocked()
	return nil
}
