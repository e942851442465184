package memfs

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/varvedb/varve/vfs"
)

type writer struct {
	fs     *FS
	file   *file
	name   string // the name that it was created under
	dead   bool
	closed bool
}

// Write implements vfs.Writer.
func (w *writer) Write(p []byte) (int, error) {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	if err := w.usable(); err != nil {
		return 0, fmt.Errorf("write %s: %w", w.name, err)
	}
	w.file.data = append(w.file.data, p...)
	return len(p), nil
}

// Sync implements vfs.Writer.
func (w *writer) Sync(d vfs.Durability) error {
	fs := w.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := w.usable(); err != nil {
		return fmt.Errorf("sync %s: %w", w.name, err)
	}
	w.file.synced = len(w.file.data)
	point := syncPoint{file: w.file, length: w.file.synced}
	if fs.files[w.name] == w.file {
		point.name = w.name
	}
	fs.journal = append(fs.journal, point)
	switch {
	case d == vfs.Strict:
		fs.settle(len(fs.journal))
	case len(fs.journal) >= 2*maxJournal:
		fs.settle(maxJournal)
	}
	return nil
}

// Close implements vfs.Writer.
func (w *writer) Close() error {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	if w.closed {
		return fmt.Errorf("close %s: %w", w.name, vfs.ErrClosed)
	}
	w.closed = true
	w.file.writing = false
	return nil
}

// Abandon does to the Writer what a failed Write or Sync does: it drops the bytes after the
// last Sync and ends the writing. Packages that inject faults call it.
func (w *writer) Abandon() {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	w.dead = true
	w.file.data = w.file.data[:w.file.synced]
}

func (w *writer) usable() error {
	switch {
	case w.closed || w.fs.closed:
		return vfs.ErrClosed
	case w.dead:
		return fmt.Errorf("abandoned: %w", vfs.ErrIO)
	}
	return nil
}

type reader struct {
	name   string
	data   []byte
	closed atomic.Bool
}

// ReadAt implements vfs.Reader.
func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	if r.closed.Load() {
		return 0, fmt.Errorf("read %s: %w", r.name, vfs.ErrClosed)
	}
	if offset < 0 {
		return 0, fmt.Errorf("read %s at %d: %w", r.name, offset, vfs.ErrIO)
	}
	n := 0
	if offset < int64(len(r.data)) {
		n = copy(p, r.data[offset:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Size implements vfs.Reader.
func (r *reader) Size() int64 { return int64(len(r.data)) }

// Close implements vfs.Reader.
func (r *reader) Close() error {
	if r.closed.Swap(true) {
		return fmt.Errorf("close %s: %w", r.name, vfs.ErrClosed)
	}
	return nil
}
