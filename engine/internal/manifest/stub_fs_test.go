package manifest

import (
	"fmt"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// scriptedFS lets a test watch each operation that changes the file system before it takes
// effect, and make one of them fail.
type scriptedFS struct {
	*memfs.FS
	before func()

	op        int  // operations so far
	failAt    int  // the operation that fails; 0: none
	failAfter bool // whether it takes effect all the same
}

func (fs *scriptedFS) do(action string, operation func() error) error {
	if fs.before != nil {
		fs.before()
	}
	fs.op++
	failure := fmt.Errorf("%s: injected: %w", action, vfs.ErrIO)
	if fs.op == fs.failAt && !fs.failAfter {
		return failure
	}
	err := operation()
	if err == nil && fs.op == fs.failAt {
		return failure
	}
	return err
}

func (fs *scriptedFS) Create(name string) (w vfs.Writer, err error) {
	err = fs.do("create "+name, func() error {
		w, err = fs.FS.Create(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &scriptedWriter{fs: fs, Writer: w, name: name}, nil
}

func (fs *scriptedFS) Remove(name string) error {
	return fs.do("remove "+name, func() error { return fs.FS.Remove(name) })
}

func (fs *scriptedFS) Rename(from, to string) error {
	return fs.do("rename "+from, func() error { return fs.FS.Rename(from, to) })
}

type scriptedWriter struct {
	vfs.Writer
	fs   *scriptedFS
	name string
}

func (w *scriptedWriter) do(action string, operation func() error) error {
	err := w.fs.do(action+" "+w.name, operation)
	if err != nil {
		w.Writer.(interface{ Abandon() }).Abandon()
	}
	return err
}

func (w *scriptedWriter) Write(p []byte) (int, error) {
	if err := w.do("write", func() error { _, err := w.Writer.Write(p); return err }); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *scriptedWriter) Sync(d vfs.Durability) error {
	return w.do("sync", func() error { return w.Writer.Sync(d) })
}
