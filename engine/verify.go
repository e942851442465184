package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/pace"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/vfs"
)

// VerifyReport says what Verify has read.
type VerifyReport struct {
	Tables  int
	Logs    int   // that hold what is not in tables yet
	Bytes   int64 // of tables and logs
	Entries int64 // in the tables, deleted and overwritten ones included
}

// Verify reads every file of the store from its medium and checks each checksum; of the tables
// also the order of the keys, the filters, the bounds in the manifest, and that nothing in them is
// newer than the store. It fails with a *CorruptionError for the first damage that it finds.
func (db *DB) Verify() (VerifyReport, error) {
	var report VerifyReport
	if db.isClosing() {
		return report, ErrClosed
	}
	s, _ := db.acquire()
	defer s.unref()
	if err := s.version.Check(); err != nil {
		return report, fmt.Errorf("verify: %w", err)
	}
	p := pace.New(db.opts.Yield)
	for _, level := range s.version.Levels {
		for _, t := range level {
			entries, err := db.verifyTable(t, p)
			if err != nil {
				return report, fmt.Errorf("verify: %w", err)
			}
			report.Tables++
			report.Bytes += t.Size
			report.Entries += entries
			if db.isClosing() {
				return report, ErrClosed
			}
		}
	}
	if err := db.verifyManifest(); err != nil {
		return report, fmt.Errorf("verify: %w", err)
	}
	if err := db.verifyLogs(&report); err != nil {
		return report, fmt.Errorf("verify: %w", err)
	}
	return report, nil
}

// verifyManifest reads the manifest as the next Open will.
func (db *DB) verifyManifest() error {
	db.manifestMu.Lock()
	defer db.manifestMu.Unlock()
	set, err := manifest.Load(db.fs)
	if err != nil {
		return err
	}
	return set.Close()
}

// verifyLogs reads the logs that the next Open will replay.
func (db *DB) verifyLogs(report *VerifyReport) error {
	// While flushMu is held, no log is removed.
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	db.mu.Lock()
	logs := slices.Clone(db.liveLogs)
	oldestOpen := slices.Concat(db.failedLogs, db.logs)[0].num
	db.mu.Unlock()
	for _, num := range logs {
		bytes, err := db.verifyLog(base.FileName(base.FileLog, num), num >= oldestOpen)
		if err != nil {
			return err
		}
		report.Logs++
		report.Bytes += bytes
	}
	return nil
}

// verifyLog reads a log. One that is being written, or failed, may end within a record.
func (db *DB) verifyLog(name string, open bool) (size int64, err error) {
	file, err := db.fs.Open(name)
	switch {
	case open && errors.Is(err, vfs.ErrNotFound):
		return 0, nil // nothing in it has been synced
	case errors.Is(err, vfs.ErrNotFound):
		return 0, base.Corruption(name, -1, "the log is missing")
	case err != nil:
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	records := record.NewReader(file, file.Size(), name)
	for {
		offset := records.Offset()
		data, err := records.Next()
		switch {
		case err == io.EOF, open && errors.Is(err, record.ErrTorn):
			return file.Size(), nil
		case errors.Is(err, record.ErrTorn):
			return 0, base.Corruption(name, offset, "the log ends within a record")
		case err != nil:
			return 0, err
		}
		if err := eachEntry(data, func(uint32, batchEntry) error { return nil }); err != nil {
			return 0, base.Corruption(name, offset, "%v", err)
		}
	}
}

// verifyTable opens the table anew: a file that is open already may not be what stands there now.
func (db *DB) verifyTable(t *manifest.Table, p *pace.Pacer) (entries int64, err error) {
	file, err := db.openTableFile(t)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	table, err := sstable.NewReader(file, sstable.ReaderOptions{Name: base.FileName(base.FileTable, t.Num)})
	if err != nil {
		return 0, err
	}
	entries, newest, err := table.Verify(p)
	if err != nil {
		return 0, err
	}
	db.mu.Lock()
	last := db.lastSeq
	db.mu.Unlock()
	if newest > last {
		return 0, newerThanStore(t, newest, last)
	}
	return entries, checkTableBounds(t, table.NewIterator(false))
}

// checkTableBounds fails unless the manifest's bounds of t are its first and last keys. It closes
// it, an iterator over t.
func checkTableBounds(t *manifest.Table, it base.Iterator) (err error) {
	defer func() { err = errors.Join(err, it.Close()) }()
	name := base.FileName(base.FileTable, t.Num)
	if !it.First() {
		return errors.Join(it.Error(), base.Corruption(name, -1, "the table is empty"))
	}
	if !bytes.Equal(it.Key(), t.Smallest) {
		return base.Corruption(name, -1, "its first key is %q, its manifest says %q", it.Key(), t.Smallest)
	}
	if !it.Last() {
		return errors.Join(it.Error(), base.Corruption(name, -1, "the table has no last key"))
	}
	if !bytes.Equal(it.Key(), t.Largest) {
		return base.Corruption(name, -1, "its last key is %q, its manifest says %q", it.Key(), t.Largest)
	}
	return nil
}

// Check verifies what the engine relies on: the levels in order, every live file there with
// its length, no file that nothing uses, bounds equal to first and last keys. It is meant for tests, at a
// moment when nothing is being written, flushed or compacted and no iterator is open.
func (db *DB) Check() error {
	db.flushMu.Lock()
	defer db.flushMu.Unlock()
	db.compactMu.Lock()
	defer db.compactMu.Unlock()
	s, _ := db.acquire()
	defer s.unref()
	if err := s.version.Check(); err != nil {
		return err
	}
	files, err := db.listFiles()
	if err != nil {
		return err
	}
	if err := db.checkTables(files); err != nil {
		return err
	}
	for _, level := range s.version.Levels {
		for _, t := range level {
			if err := checkTableBounds(t, db.tables.NewTableIterator(t, false)); err != nil {
				return err
			}
		}
	}
	return db.checkNoOrphans(files)
}

func (db *DB) checkNoOrphans(files []storeFile) error {
	live := db.liveFiles()
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, f := range files {
		if db.isOrphanLocked(f, live) {
			return fmt.Errorf("nothing uses the file %s", f.Name)
		}
	}
	return nil
}
