package engine

import (
	"bytes"
	"errors"
	"fmt"
	"iter"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
)

// Ingest stores entries straight into tables, past log and memtable. Their keys must ascend
// strictly. It is atomic, and durable as Strict writes are when it returns; to other writes it
// is one that was made when Ingest was called.
//
// While it runs, memtables are not flushed: writers wait once they have filled those there
// are. entries must not write to the DB. Snapshots can't be taken: NewSnapshot waits.
func (db *DB) Ingest(entries iter.Seq2[[]byte, []byte]) (err error) {
	if err := db.admit(&Batch{puts: true}); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	if err := db.replaceLog(); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	seq, err := db.beginIngest()
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	defer db.admitSnapshots()
	if err := db.syncLogs(Strict); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	// Newer memtables stay: in level 0 their tables would stand behind the ones made here.
	if err := db.flushReady(seq); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	result, err := compact.Build(db.compactEnv(), db.limits(), func(write func(key, value []byte) error) error {
		return writeAscending(entries, seq, write)
	})
	if err != nil {
		return fmt.Errorf("ingest: %w", mergeError(err))
	}
	if err := db.installIngested(result.Tables); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	db.counters.flushBytes.Add(result.BytesWritten)
	wake(db.compactWork)
	return nil
}

// beginIngest gives the entries their sequence number: all that is older is on its way into
// tables, all that is newer stays in memtables.
func (db *DB) beginIngest() (base.Seq, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	switch {
	case db.closed:
		return 0, ErrClosed
	case db.logFailed != nil:
		return 0, db.logFailed
	}
	if !db.mutableLocked().Empty() {
		db.retireMutableLocked(0)
	}
	db.snapshotHolds++
	db.lastSeq++
	db.mutableLocked().before = db.lastSeq
	db.visible.Store(uint64(db.lastSeq))
	return db.lastSeq, nil
}

// writeAscending checks entries and writes them as those of sequence number seq.
func writeAscending(entries iter.Seq2[[]byte, []byte], seq base.Seq, write func(key, value []byte) error) error {
	var last, internal []byte
	for key, value := range entries {
		if err := errors.Join(checkKey(key), checkValue(value)); err != nil {
			return err
		}
		if last != nil && bytes.Compare(last, key) >= 0 {
			return fmt.Errorf("%w: key %q follows %q, but keys must ascend", ErrInvalidArgument, key, last)
		}
		last = append(last[:0], key...)
		internal = base.AppendInternalKey(internal[:0], key, seq, base.KindPut)
		if err := write(internal, value); err != nil {
			return err
		}
	}
	return nil
}

// installIngested adds tables, each to the lowest level above which, and in which, nothing
// overlaps it.
func (db *DB) installIngested(tables []*manifest.Table) error {
	db.compactMu.Lock()
	defer db.compactMu.Unlock()
	s, _ := db.acquire()
	defer s.unref()
	edit := &manifest.Edit{}
	for _, t := range tables {
		level := 0
		for next := range s.version.Levels {
			if len(s.version.Overlapping(next, base.UserKey(t.Smallest), base.UserKey(t.Largest))) > 0 {
				break
			}
			level = next
		}
		edit.Added = append(edit.Added, manifest.AddedTable{Level: level, Table: t})
	}
	return db.applyContentEdit(edit)
}
