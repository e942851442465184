package engine

import (
	"errors"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// scratchFS gives the tables that are created through it temporary names until they are
// published: what a crash leaves of them is no table to the store, nor to another Repair. To
// those who use it they have their proper names.
//
// It reads again what could not be read, once: a failure that passes must not be taken for
// damage.
type scratchFS struct {
	vfs.FS
	temporary map[base.FileNum]struct{} // tables that are not published
}

// realName returns the name that a file has in the FS below.
func (fs *scratchFS) realName(name string) string {
	if kind, num, ok := base.ParseFileName(name); ok && kind == base.FileTable {
		if _, found := fs.temporary[num]; found {
			return base.FileName(base.FileTemp, num)
		}
	}
	return name
}

// Create implements vfs.FS.
func (fs *scratchFS) Create(name string) (vfs.Writer, error) {
	if kind, num, ok := base.ParseFileName(name); ok && kind == base.FileTable {
		fs.temporary[num] = struct{}{}
	}
	return fs.FS.Create(fs.realName(name))
}

// Remove implements vfs.FS.
func (fs *scratchFS) Remove(name string) error {
	err := fs.FS.Remove(fs.realName(name))
	if _, num, ok := base.ParseFileName(name); ok && err == nil {
		delete(fs.temporary, num)
	}
	return err
}

// Open implements vfs.FS.
func (fs *scratchFS) Open(name string) (vfs.Reader, error) {
	name = fs.realName(name)
	r, err := fs.FS.Open(name)
	if errors.Is(err, vfs.ErrIO) {
		r, err = fs.FS.Open(name)
	}
	if err != nil {
		return nil, err
	}
	return persistentReader{r}, nil
}

// publish gives a table its proper name, durably. isNew is false if it had that already.
func (fs *scratchFS) publish(num base.FileNum) (isNew bool, err error) {
	if _, found := fs.temporary[num]; !found {
		return false, nil
	}
	name := base.FileName(base.FileTable, num)
	if err := fs.FS.Rename(base.FileName(base.FileTemp, num), name); err != nil {
		return false, fmt.Errorf("publish table %s: %w", name, err)
	}
	delete(fs.temporary, num)
	return true, nil
}

// discard removes the tables that were not published. What stays all the same is removed when
// the store is opened.
func (fs *scratchFS) discard() {
	for num := range fs.temporary {
		_ = fs.FS.Remove(base.FileName(base.FileTemp, num))
	}
}

// persistentReader reads again what could not be read, once.
type persistentReader struct{ vfs.Reader }

func (r persistentReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.Reader.ReadAt(p, off)
	if errors.Is(err, vfs.ErrIO) {
		return r.Reader.ReadAt(p, off)
	}
	return n, err
}
