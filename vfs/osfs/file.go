package osfs

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/varvedb/varve/vfs"
)

// bufferSize gathers the blocks of a table into writes that are worth a system call.
const bufferSize = 64 << 10

// handle is an open file of the operating system.
type handle interface {
	io.Writer
	io.ReaderAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// file is an open file that was created here.
type file struct {
	name    string
	handle  handle
	syncing sync.Mutex
	named   bool                  // its name is on the medium; guarded by syncing
	lost    atomic.Pointer[error] // why an fsync of it failed

	// Guarded by FS.mu.
	writerClosed bool // whoever settles the file closes it
	givenUp      bool // the Writer had failed when it was closed: its owner knows
}

// failure returns why the file may have lost bytes, if so.
func (f *file) failure() error {
	if err := f.lost.Load(); err != nil {
		return *err
	}
	return nil
}

type writer struct {
	fs     *FS
	file   *file
	buffer *bufio.Writer
	length int64 // bytes written
	synced int64 // bytes at the last successful Sync
	err    error // what every further call returns
	closed bool
}

func newWriter(fs *FS, name string, handle handle) *writer {
	return &writer{
		fs:     fs,
		file:   &file{name: name, handle: handle},
		buffer: bufio.NewWriterSize(handle, bufferSize),
	}
}

// Write implements vfs.Writer.
func (w *writer) Write(p []byte) (int, error) {
	if w.isDead() {
		return 0, w.err
	}
	n, err := w.buffer.Write(p)
	w.length += int64(n)
	if err != nil {
		w.fail(failure("write", w.file.name, err))
	}
	return n, w.err
}

// isDead reports whether the Writer refuses all calls but Close. It may have become so by a sync of
// another file.
func (w *writer) isDead() bool {
	if w.err == nil {
		if err := w.file.failure(); err != nil {
			w.fail(err)
		}
	}
	return w.err != nil
}

// Sync implements vfs.Writer.
func (w *writer) Sync(d vfs.Durability) error {
	if w.isDead() {
		return w.err
	}
	err := w.handOver(d)
	if err == nil && d == vfs.Strict {
		err = w.settle()
	}
	if err != nil {
		w.fail(err)
		return err
	}
	w.synced = w.length
	return nil
}

// handOver gives the buffered bytes to the operating system, in the order of syncs.
func (w *writer) handOver(d vfs.Durability) error {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	if w.fs.unsettled != w.file {
		if err := w.fs.settle(); err != nil {
			return err
		}
	}
	if err := w.file.failure(); err != nil {
		return err
	}
	if err := w.buffer.Flush(); err != nil {
		return failure("sync", w.file.name, err)
	}
	if d == vfs.Relaxed {
		w.fs.unsettled = w.file
	}
	return nil
}

// settle brings the file to the medium. Other files may be written and synced meanwhile:
// those syncs did not return before this one.
func (w *writer) settle() error {
	if err := w.fs.fsync(w.file); err != nil {
		return err
	}
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	if w.fs.unsettled == w.file {
		w.fs.unsettled = nil
	}
	return nil
}

// Close implements vfs.Writer.
func (w *writer) Close() error {
	if w.closed {
		return failure("close", w.file.name, os.ErrClosed)
	}
	w.closed = true
	givenUp := w.err != nil
	var err error
	if !givenUp {
		if err = w.buffer.Flush(); err != nil {
			err = failure("close", w.file.name, err)
			w.fail(err)
		}
	}
	w.err = failure("write", w.file.name, os.ErrClosed)

	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	lost := w.file.failure()
	if !givenUp {
		err = cmp.Or(err, lost)
	}
	if w.fs.unsettled == w.file && lost == nil {
		w.file.writerClosed, w.file.givenUp = true, givenUp
		return err
	}
	if w.fs.unsettled == w.file {
		w.fs.unsettled = nil
	}
	return cmp.Or(err, closeHandle(w.file))
}

// Abandon does to the Writer what a failed Write or Sync does: it drops the bytes after the
// last Sync and ends the writing. Packages that inject faults call it.
func (w *writer) Abandon() {
	if w.err == nil {
		w.fail(fmt.Errorf("write %s: abandoned: %w", w.file.name, vfs.ErrIO))
	}
}

// fail drops what was not synced, as far as the medium obeys, and ends the writing.
func (w *writer) fail(err error) {
	w.err = err
	w.buffer.Reset(io.Discard)
	_ = w.file.handle.Truncate(w.synced) // the failure to report is err
}

func closeHandle(f *file) error {
	if err := f.handle.Close(); err != nil {
		return failure("close", f.name, err)
	}
	return nil
}

type reader struct {
	name   string
	handle handle
	size   int64
}

// ReadAt implements vfs.Reader.
func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	short := false
	if left := max(r.size-offset, 0); int64(len(p)) > left {
		p, short = p[:left], true
	}
	n, err := r.handle.ReadAt(p, offset)
	switch {
	case err == io.EOF || err == nil && short:
		return n, io.EOF
	case err != nil:
		return n, failure("read", r.name, err)
	}
	return n, nil
}

// Size implements vfs.Reader.
func (r *reader) Size() int64 { return r.size }

// Close implements vfs.Reader.
func (r *reader) Close() error {
	if err := r.handle.Close(); err != nil {
		return failure("close", r.name, err)
	}
	return nil
}
