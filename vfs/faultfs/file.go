package faultfs

import "github.com/varvedb/varve/vfs"

// abandoner is a vfs.Writer that can be made to fail: it drops the bytes after its last
// Sync and refuses all calls but Close.
type abandoner interface{ Abandon() }

type writer struct {
	fs     *FS
	inner  vfs.Writer
	name   string
	length int64
	err    error // what every further call but Close returns
	closed bool
}

// Write implements vfs.Writer.
func (w *writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.closed {
		return w.inner.Write(p)
	}
	op := Op{Kind: Write, Name: w.name, Offset: w.length, Length: len(p)}
	fault := w.fs.begin(op)
	if !fault.fails() {
		n, err := w.inner.Write(p)
		w.length += int64(n)
		return n, err
	}
	n := 0
	if short := min(fault.Short, len(p)); short > 0 {
		var err error
		if n, err = w.inner.Write(p[:short]); err != nil {
			return n, err
		}
	}
	return n, w.fail(op, fault)
}

// Sync implements vfs.Writer.
func (w *writer) Sync(d vfs.Durability) error {
	if w.err != nil {
		return w.err
	}
	if w.closed {
		return w.inner.Sync(d)
	}
	op := Op{Kind: Sync, Name: w.name, Durability: d}
	if fault := w.fs.begin(op); fault.fails() {
		return w.fail(op, fault)
	}
	return w.inner.Sync(d)
}

// Close implements vfs.Writer.
func (w *writer) Close() error {
	if w.closed {
		return w.inner.Close()
	}
	w.closed = true
	return w.fs.end(Op{Kind: CloseWriter, Name: w.name}, w.inner)
}

// Abandon makes the Writer fail from now on, for a faultfs that stands before this one.
func (w *writer) Abandon() {
	if inner, ok := w.inner.(abandoner); ok {
		inner.Abandon()
	}
}

func (w *writer) fail(op Op, fault *Fault) error {
	w.err = fault.failed(op)
	if !fault.KeepTail {
		w.Abandon()
	}
	return w.err
}

type reader struct {
	fs    *FS
	inner vfs.Reader
	name  string
}

// ReadAt implements vfs.Reader.
func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	op := Op{Kind: ReadAt, Name: r.name, Offset: offset, Length: len(p)}
	fault := r.fs.begin(op)
	if fault.fails() {
		n, _ := r.inner.ReadAt(p[:min(fault.Short, len(p))], offset)
		return n, fault.failed(op)
	}
	n, err := r.inner.ReadAt(p, offset)
	if fault != nil && fault.FlipBit && n > 0 {
		bit := fault.Bit % (n * 8)
		p[bit/8] ^= 1 << (bit % 8)
	}
	return n, err
}

// Size implements vfs.Reader.
func (r *reader) Size() int64 { return r.inner.Size() }

// Close implements vfs.Reader.
func (r *reader) Close() error { return r.fs.end(Op{Kind: CloseReader, Name: r.name}, r.inner) }
