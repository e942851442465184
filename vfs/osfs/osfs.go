// Package osfs is a vfs.FS in a directory of the operating system.
//
//  1. A Strict Sync is an fsync of the file and, the first time, of the directory. A Relaxed
//     Sync has handed the bytes to the operating system.
//  2. At most one file has bytes that were synced Relaxed and not by fsync since: before
//     another file's sync or a Rename takes effect, that file is settled by fsync. So
//     promise 3 of vfs holds in a loss of power, too, for every Sync that returned, at
//     the price of one fsync a log. Which file a process that was killed has left so is not
//     known: the first sync or Rename settles all files that are there.
//  3. What an fsync that failed has lost, a later one neither saves nor tells of. So there is no
//     second try: the file's Writer is dead, and until it is closed no other file's sync and no
//     Rename takes effect. If nobody is left to be told, since the Writer was closed before, not
//     having failed, or was another process's, none does until the directory is opened anew.
//  4. The lock is the file LOCK, as in LevelDB. It excludes LevelDB in C++, which locks that by
//     fcntl, and goleveldb, which does so by flock. On Linux these don't see each other, and both
//     are taken; but where kernel or file system have no fcntl locks of open files (F_OFD_SETLK),
//     LevelDB in C++ is not excluded. LOCK is not listed, and the FS refuses to create, open,
//     remove or rename it. Subdirectories and other special files are ignored.
//
// It runs in Node, too, as js/wasm, but not on Windows. There, only a Sync, a Rename, a Lock and a
// Close of a Writer or of the FS wait. The lock excludes other programs in Node and those that use
// this package, but on Linux no other LevelDB programs, and nobody in another network namespace:
// Node has no lock for files. On Windows a directory has no fsync, so that the durability of names
// is what NTFS gives.
//
// All methods are safe for concurrent use, but for those of one Writer.
package osfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/varvedb/varve/vfs"
)

const lockName = "LOCK"

// FS is a directory.
type FS struct {
	dir    string
	system *system
	closed atomic.Bool

	mu        sync.Mutex
	unsettled *file // synced Relaxed and not by fsync since; nil: none
	inherited bool  // files that others have written may be unsettled, too
	lost      error // why bytes of those may be lost
}

// Open returns the FS of a directory, which must exist.
func Open(dir string) (*FS, error) {
	system := newSystem()
	dir, err := system.absolute(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory %s: %w: %w", dir, vfs.ErrIO, err)
	}
	isDirectory, err := system.isDirectory(dir)
	if err != nil {
		return nil, failure("open directory", dir, err)
	}
	if !isDirectory {
		return nil, fmt.Errorf("open directory %s: %w: not a directory", dir, vfs.ErrIO)
	}
	return &FS{dir: dir, system: system, inherited: true}, nil
}

// Create is Open, but makes the directory and those above it where they are missing.
func Create(dir string) (*FS, error) {
	if err := newSystem().makeDirectory(dir); err != nil {
		return nil, failure("create directory", dir, err)
	}
	fs, err := Open(dir)
	if err != nil {
		return nil, err
	}
	if err := fs.system.syncDirectory(filepath.Dir(fs.dir)); err != nil {
		return nil, failure("sync directory above", dir, err)
	}
	return fs, nil
}

// Create implements vfs.FS.
func (fs *FS) Create(name string) (vfs.Writer, error) {
	path, err := fs.path(name)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	// Truncating the old file would take its bytes from its Readers.
	if err := fs.system.remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, failure("create", name, err)
	}
	handle, err := fs.system.create(path)
	if err != nil {
		return nil, failure("create", name, err)
	}
	return newWriter(fs, name, handle), nil
}

// Open implements vfs.FS.
func (fs *FS) Open(name string) (vfs.Reader, error) {
	path, err := fs.path(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	handle, size, err := fs.system.open(path)
	if err != nil {
		return nil, failure("open", name, err)
	}
	return &reader{name: name, handle: handle, size: size}, nil
}

// Remove implements vfs.FS.
func (fs *FS) Remove(name string) error {
	path, err := fs.path(name)
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	if err := fs.system.remove(path); err != nil {
		return failure("remove", name, err)
	}
	return nil
}

// Rename implements vfs.FS.
func (fs *FS) Rename(from, to string) error {
	fromPath, err := fs.path(from)
	if err != nil {
		return fmt.Errorf("rename %s: %w", from, err)
	}
	toPath, err := fs.path(to)
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, err)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if err := fs.settle(); err != nil {
		return err
	}
	if err := fs.system.rename(fromPath, toPath); err != nil {
		return failure("rename "+from+" to", to, err)
	}
	if err := fs.system.syncDirectory(fs.dir); err != nil {
		return failure("rename "+from+" to", to, err)
	}
	return nil
}

// List implements vfs.FS.
func (fs *FS) List() ([]vfs.FileInfo, error) {
	if fs.closed.Load() {
		return nil, fmt.Errorf("list: %w", vfs.ErrClosed)
	}
	files, err := fs.system.list(fs.dir)
	if err != nil {
		return nil, failure("list", fs.dir, err)
	}
	return slices.DeleteFunc(files, func(f vfs.FileInfo) bool { return checkName(f.Name) != nil }), nil
}

// Lock implements vfs.FS.
func (fs *FS) Lock() (io.Closer, error) {
	if fs.closed.Load() {
		return nil, fmt.Errorf("lock: %w", vfs.ErrClosed)
	}
	held, err := lockFile(filepath.Join(fs.dir, lockName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err != nil {
		return nil, failure("lock", fs.dir, err)
	}
	return &lock{held: held}, nil
}

// Close implements vfs.FS. What was synced Relaxed is on the medium when it returns.
func (fs *FS) Close() error {
	if fs.closed.Swap(true) {
		return fmt.Errorf("close: %w", vfs.ErrClosed)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.unsettled == nil {
		return nil
	}
	err := fs.settle()
	if fs.unsettled != nil {
		err = errors.Join(err, fs.release())
	}
	return err
}

// settle brings what is unsettled to the medium. fs.mu must be held.
func (fs *FS) settle() error {
	if fs.inherited {
		if err := fs.settleInherited(fs.system.reopen); err != nil {
			return err
		}
		fs.inherited = false
	}
	f := fs.unsettled
	if f == nil {
		return nil
	}
	err := fs.fsync(f)
	if err == nil || f.givenUp {
		return errors.Join(err, fs.release())
	}
	return err
}

// release ends the wait for the unsettled file. fs.mu must be held.
func (fs *FS) release() error {
	f := fs.unsettled
	fs.unsettled = nil
	if f.writerClosed {
		return closeHandle(f)
	}
	return nil
}

// settleInherited brings every file of the directory to the medium.
func (fs *FS) settleInherited(open func(path string) (handle, error)) error {
	if fs.lost != nil {
		return fs.lost
	}
	files, err := fs.system.list(fs.dir)
	if err != nil {
		return failure("list", fs.dir, err)
	}
	for _, f := range files {
		handle, err := open(filepath.Join(fs.dir, f.Name))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			continue // removed since, or nobody here can do it
		}
		if err != nil {
			return failure("open", f.Name, err)
		}
		if err := errors.Join(handle.Sync(), handle.Close()); err != nil {
			fs.lost = failure("sync", f.Name, err)
			return fs.lost
		}
	}
	if err := fs.system.syncDirectory(fs.dir); err != nil {
		fs.lost = failure("sync directory", fs.dir, err)
	}
	return fs.lost
}

// fsync makes a file and its name durable, unless that has failed before.
func (fs *FS) fsync(f *file) error {
	// The system tells one caller of a failure.
	f.syncing.Lock()
	defer f.syncing.Unlock()
	if err := f.failure(); err != nil {
		return err
	}
	err := fs.fsyncOnce(f)
	if err != nil {
		f.lost.Store(&err)
	}
	return err
}

func (fs *FS) fsyncOnce(f *file) error {
	if err := f.handle.Sync(); err != nil {
		return failure("sync", f.name, err)
	}
	if f.named {
		return nil
	}
	if err := fs.system.syncDirectory(fs.dir); err != nil {
		return failure("sync the name of", f.name, err)
	}
	f.named = true
	return nil
}

func (fs *FS) path(name string) (string, error) {
	if fs.closed.Load() {
		return "", vfs.ErrClosed
	}
	if err := checkName(name); err != nil {
		return "", err
	}
	return filepath.Join(fs.dir, name), nil
}

func checkName(name string) error {
	if name == lockName {
		return fmt.Errorf("the directory's lock: %w", vfs.ErrName)
	}
	return vfs.CheckName(name)
}

type lock struct {
	held     io.Closer
	released atomic.Bool
}

func (l *lock) Close() error {
	if l.released.Swap(true) {
		return fmt.Errorf("unlock: %w", vfs.ErrClosed)
	}
	if err := l.held.Close(); err != nil {
		return failure("unlock", lockName, err)
	}
	return nil
}
