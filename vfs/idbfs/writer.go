//go:build js && wasm

package idbfs

import (
	"fmt"

	"github.com/varvedb/varve/vfs"
)

const (
	// From 64 KiB on, Chromium moves a value to a file of its own, which pays from 1 MiB on.
	smallRecord = 48 << 10
	largeRecord = 1 << 20
)

// writer is a vfs.Writer. What was written since the last record was cut is in tail; the
// file's other bytes are on their way to the database.
type writer struct {
	fs     *FS
	file   *file
	tail   []byte
	closed bool
}

// fail returns the error of a Writer that is dead or closed, named after the operation.
func (w *writer) fail(op string) error {
	err := w.file.err
	switch {
	case w.closed:
		err = vfs.ErrClosed
	case err == nil:
		err = w.fs.err
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", op, w.label(), err)
}

// label is what errors call the file.
func (w *writer) label() string {
	if w.file.name == "" {
		return "removed file"
	}
	return w.file.name
}

// Write implements vfs.Writer.
func (w *writer) Write(p []byte) (int, error) {
	fs, f := w.fs, w.file
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := w.fail("write"); err != nil {
		return 0, err
	}
	if f.queued.records+int64(len(p)/pageSize) > maxRecords {
		fs.killWriter(f, fmt.Errorf("more than %d records: %w", maxRecords, vfs.ErrIO))
		return 0, w.fail("write")
	}
	n := len(p)
	for len(p) > 0 {
		if f.queued.size%pageSize != 0 {
			f.paged = false
		}
		limit := pageSize
		if !f.paged {
			limit = largeRecord
		}
		if w.tail == nil {
			w.tail = fs.cache.takeBuffer()[:0]
		}
		taken := min(len(p), limit-len(w.tail))
		w.tail = append(w.tail, p[:taken]...)
		p = p[taken:]
		if len(w.tail) == limit {
			f.stream = append(f.stream, w.cut(w.tail))
			w.tail = nil
		}
	}
	if streamedBytes(f) >= streamSize {
		fs.startStream(f)
	}
	return n, nil
}

// cut makes a record of the file's next bytes.
func (w *writer) cut(data []byte) record {
	f := w.file
	r := record{file: f, key: recordKey(f.id, f.queued.records), data: data}
	f.queued.records++
	f.queued.size += int64(len(data))
	return r
}

// flush queues all that was written.
func (w *writer) flush() {
	records := &w.fs.commit.records
	*records = append(*records, w.file.stream...)
	w.file.stream = nil
	tail := w.tail
	w.tail = nil
	for len(tail) > smallRecord {
		*records = append(*records, w.cut(tail[:smallRecord:smallRecord]))
		tail = tail[smallRecord:]
	}
	if len(tail) > 0 {
		*records = append(*records, w.cut(tail))
	}
}

// Sync implements vfs.Writer.
func (w *writer) Sync(d vfs.Durability) error {
	fs, f := w.fs, w.file
	fs.mu.Lock()
	if err := w.fail("sync"); err != nil {
		fs.mu.Unlock()
		return err
	}
	w.flush()
	covered := f.queued
	b := fs.carryOut(d)

	fs.mu.Lock()
	defer fs.mu.Unlock()
	if b.err != nil && f.err == nil {
		fs.killWriter(f, b.err)
	}
	if f.err == nil {
		f.synced = covered
	}
	return w.fail("sync")
}

// Close implements vfs.Writer.
func (w *writer) Close() error {
	fs, f := w.fs, w.file
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if w.closed {
		return w.fail("close")
	}
	w.closed = true
	f.writing = false
	if f.err == nil && fs.err == nil {
		unsynced := f.queued != f.synced || len(w.tail) > 0
		w.flush()
		if unsynced {
			fs.wake()
		}
	}
	w.tail = nil
	f.sealed = true
	fs.markDirty(f)
	fs.dropIfUnused(f)
	if f.dropping {
		fs.wake()
	}
	return nil
}

// Abandon does to the Writer what a failed Sync does: it drops the bytes after the last Sync and
// ends the writing. Packages that inject faults call it.
func (w *writer) Abandon() {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	w.tail = nil
	w.fs.killWriter(w.file, fmt.Errorf("abandoned: %w", vfs.ErrIO))
	w.fs.wake()
}
