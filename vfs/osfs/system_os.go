//go:build !js

package osfs

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/varvedb/varve/vfs"
)

// system is the operating system, by package os. What its methods fail with wraps os.ErrNotExist,
// os.ErrPermission, os.ErrClosed or a syscall.Errno where that matters.
type system struct{}

func newSystem() *system { return &system{} }

func (system) absolute(dir string) (string, error) { return filepath.Abs(dir) }

func (system) makeDirectory(dir string) error { return os.MkdirAll(dir, 0o755) }

func (system) isDirectory(path string) (bool, error) {
	info, err := os.Stat(path)
	return err == nil && info.IsDir(), err
}

// create makes a file, where there must be none.
func (system) create(path string) (handle, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// open opens a file for reading that others may remove and replace meanwhile.
func (system) open(path string) (handle, int64, error) {
	file, err := openShared(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

func (system) remove(path string) error { return os.Remove(path) }

func (system) rename(from, to string) error { return os.Rename(from, to) }

// list returns the plain files of a directory, in order of their names.
func (system) list(dir string) ([]vfs.FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	infos := make([]vfs.FileInfo, 0, len(entries))
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // removed since ReadDir
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, vfs.FileInfo{Name: entry.Name(), Size: info.Size()})
	}
	return infos, nil
}

// reopen opens a file for an fsync that another process may have written.
func (system) reopen(path string) (handle, error) {
	file, err := openToSync(path)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// syncDirectory makes the names in a directory durable.
func (system) syncDirectory(dir string) error { return syncDir(dir) }
