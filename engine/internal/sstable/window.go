package sstable

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// window is a part of a table file in memory. Its bytes are not checked yet.
type window struct {
	start uint64
	buf   []byte
}

// read replaces the window by n bytes of the file, which has them.
func (w *window) read(r *Reader, start uint64, n int) error {
	w.start = start
	w.buf = slices.Grow(w.buf[:0], n)[:n]
	got, err := r.file.ReadAt(w.buf, int64(start))
	if got == n {
		return nil
	}
	w.buf = w.buf[:0]
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if errors.Is(err, vfs.ErrDamaged) {
		return base.Corruption(r.options.Name, int64(start), "%v", err)
	}
	return fmt.Errorf("read table %s at %d: %w", r.options.Name, start, err)
}

// tryRead is read if that needs no wait.
func (w *window) tryRead(r *Reader, start uint64, n int) bool {
	w.start, w.buf = start, make([]byte, n)
	return r.memory.TryReadAt(w.buf, int64(start))
}

// holds reports whether the block at h is in the window with its trailer.
func (w *window) holds(h handle) bool {
	return h.offset >= w.start && h.end() <= w.start+uint64(len(w.buf))
}

// stored returns the block at h, which the window holds, with its trailer.
func (w *window) stored(h handle) []byte {
	return w.buf[h.offset-w.start : h.end()-w.start]
}

const (
	minReadAhead = 8 << 10
	maxReadAhead = 64 << 10
)

// readAhead reads data blocks for one iterator. While the blocks that are asked for follow
// one another, in either direction, it reads several at once, more each time.
type readAhead struct {
	window
	size int // of the last read, at most
}

// load brings data block i into the window. step is how far it is from the block before.
func (a *readAhead) load(r *Reader, i, step int) error {
	h := r.index.handle(i)
	if a.holds(h) {
		return nil
	}
	first, last := i, i
	if step == 1 || step == -1 {
		a.size = min(max(2*a.size, minReadAhead), maxReadAhead)
		first, last = a.extend(r.index, i, step)
	} else {
		a.size = 0
	}
	start := r.index.handle(first).offset
	return a.read(r, start, int(r.index.handle(last).end()-start))
}

// extend returns the blocks from i on in the direction of step that size has room for.
func (a *readAhead) extend(x *index, i, step int) (first, last int) {
	first, last = i, i
	for j := i + step; j >= 0 && j < x.len(); j += step {
		from, to := min(first, j), max(last, j)
		if x.handle(to).end()-x.handle(from).offset > uint64(a.size) {
			break
		}
		first, last = from, to
	}
	return first, last
}
