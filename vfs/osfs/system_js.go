package osfs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"syscall"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// scratchSize is the number of bytes that cross to Node and back at once.
const scratchSize = bufferSize

// system is Node, by its module fs. What its methods fail with wraps os.ErrNotExist, os.ErrPermission,
// os.ErrClosed or a syscall.Errno where that matters.
//
// Package os would wait for a callback in every call, which is forbidden where the engine's exports
// create, write and close files. Here only an fsync waits; the others last about as long as a copy.
type system struct {
	fs      js.Value
	scratch js.Value // bytes in crossing; no call leaves any there
}

func newSystem() *system {
	return &system{
		fs:      js.Global().Get("fs"),
		scratch: js.Global().Get("Uint8Array").New(scratchSize),
	}
}

// nodeError is an error that Node threw.
type nodeError struct{ code, text string }

func (e *nodeError) Error() string { return e.text }

func (e *nodeError) Unwrap() error {
	switch e.code {
	case "ENOENT":
		return syscall.ENOENT
	case "EACCES", "EPERM":
		return syscall.EACCES
	case "ENOSPC":
		return syscall.ENOSPC
	case "EDQUOT":
		return syscall.EDQUOT
	}
	return nil
}

func newNodeError(thrown js.Value) error {
	e := &nodeError{text: thrown.Get("message").String()}
	if code := thrown.Get("code"); code.Type() == js.TypeString {
		e.code = code.String()
	}
	return e
}

// call calls a method that may throw.
func call(object js.Value, method string, args ...any) (result js.Value, err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = newNodeError(thrown.Value)
		default:
			panic(thrown)
		}
	}()
	return object.Call(method, args...), nil
}

// wait calls a method whose last argument is a callback, and waits for that.
func wait(object js.Value, method string, args ...any) error {
	done := make(chan error, 1)
	callback := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) > 0 && args[0].Truthy() {
			done <- newNodeError(args[0])
		} else {
			done <- nil
		}
		return nil
	})
	defer callback.Release()
	if _, err := call(object, method, append(args, callback)...); err != nil {
		return err
	}
	return <-done
}

func (*system) absolute(dir string) (string, error) { return filepath.Abs(dir) }

func (s *system) makeDirectory(dir string) error {
	_, err := call(s.fs, "mkdirSync", dir, map[string]any{"recursive": true})
	return err
}

func (s *system) isDirectory(path string) (bool, error) {
	stat, err := call(s.fs, "statSync", path)
	if err != nil {
		return false, err
	}
	return stat.Call("isDirectory").Bool(), nil
}

// create makes a file, where there must be none.
func (s *system) create(path string) (handle, error) { return s.openAs(path, "wx") }

// open opens a file for reading.
func (s *system) open(path string) (handle, int64, error) {
	file, err := s.openAs(path, "r")
	if err != nil {
		return nil, 0, err
	}
	stat, err := call(s.fs, "fstatSync", file.descriptor)
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, int64(stat.Get("size").Float()), nil
}

func (s *system) openAs(path, flags string) (*nodeFile, error) {
	descriptor, err := call(s.fs, "openSync", path, flags)
	if err != nil {
		return nil, err
	}
	return &nodeFile{system: s, descriptor: descriptor}, nil
}

func (s *system) remove(path string) error {
	_, err := call(s.fs, "unlinkSync", path)
	return err
}

func (s *system) rename(from, to string) error {
	_, err := call(s.fs, "renameSync", from, to)
	return err
}

// list returns the plain files of a directory, in order of their names.
func (s *system) list(dir string) ([]vfs.FileInfo, error) {
	entries, err := call(s.fs, "readdirSync", dir, map[string]any{"withFileTypes": true})
	if err != nil {
		return nil, err
	}
	var infos []vfs.FileInfo
	for i := range entries.Length() {
		entry := entries.Index(i)
		if !entry.Call("isFile").Bool() {
			continue
		}
		name := entry.Get("name").String()
		stat, err := call(s.fs, "statSync", dir+"/"+name)
		if errors.Is(err, os.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, vfs.FileInfo{Name: name, Size: int64(stat.Get("size").Float())})
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name < infos[j].Name })
	return infos, nil
}

// reopen opens a file for an fsync that another process may have written. That needs no right to write.
func (s *system) reopen(path string) (handle, error) {
	file, err := s.openAs(path, "r+")
	if errors.Is(err, os.ErrPermission) {
		file, err = s.openAs(path, "r")
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// syncDirectory makes the names in a directory durable.
func (s *system) syncDirectory(dir string) error {
	handle, err := s.openAs(dir, "r")
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}

// nodeFile is an open file.
type nodeFile struct {
	system     *system
	descriptor js.Value
	closed     bool
}

func (f *nodeFile) Write(p []byte) (n int, err error) {
	for n < len(p) {
		if f.closed {
			return n, os.ErrClosed
		}
		piece := js.CopyBytesToJS(f.system.scratch, p[n:])
		written, err := call(f.system.fs, "writeSync", f.descriptor, f.system.scratch, 0, piece)
		if err != nil {
			return n, err
		}
		n += written.Int()
	}
	return n, nil
}

func (f *nodeFile) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		if f.closed {
			return n, os.ErrClosed
		}
		piece := min(len(p)-n, scratchSize)
		read, err := call(f.system.fs, "readSync", f.descriptor, f.system.scratch, 0, piece, offset+int64(n))
		if err != nil {
			return n, err
		}
		if read.Int() == 0 {
			return n, io.EOF
		}
		n += js.CopyBytesToGo(p[n:n+read.Int()], f.system.scratch)
	}
	return n, nil
}

func (f *nodeFile) Sync() error {
	if f.closed {
		return os.ErrClosed
	}
	return wait(f.system.fs, "fsync", f.descriptor)
}

func (f *nodeFile) Truncate(size int64) error {
	if f.closed {
		return os.ErrClosed
	}
	_, err := call(f.system.fs, "ftruncateSync", f.descriptor, size)
	return err
}

func (f *nodeFile) Close() error {
	if f.closed {
		return os.ErrClosed
	}
	f.closed = true
	_, err := call(f.system.fs, "closeSync", f.descriptor)
	return err
}
