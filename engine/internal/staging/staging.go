// Package staging puts a store in place file by file, so that it is none before it is whole.
//
//  1. From Begin to Commit, the file base.StagedName says that the others are no store. Through
//     the FS that Begin returns it is CURRENT, so that the store can be opened and verified. CURRENT
//     gets its content by a Rename: a crash in a Create would leave the others without it.
//  2. Commit gives it the name CURRENT, durably, together with all that was synced before.
//  3. What a crash leaves in between is removed by Clean, which an engine calls when it opens.
package staging

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// FS is a file system with a store that only those who use this FS find. Its Lock is that of whoever
// called Begin.
type FS struct{ vfs.FS }

// Begin makes fs ready for the files of a store. There must be none, and the caller must hold
// the lock until Commit or Abandon has returned.
func Begin(fs vfs.FS) (*FS, error) {
	begun, err := clean(fs)
	if err == nil && !begun {
		err = writeEmpty(fs, base.StagedName)
	}
	return &FS{fs}, err
}

// Commit makes the store one.
func (s *FS) Commit() error { return s.FS.Rename(base.StagedName, base.CurrentName) }

// Abandon removes the store's files, but for base.StagedName: as long as there is no CURRENT, a
// removal that a crash undoes must not leave a store that seems to have lost it.
func (s *FS) Abandon() error { return Clean(s.FS) }

// Clean removes the files of a store that was begun and not committed, if there are any, as Abandon
// does.
func Clean(fs vfs.FS) error {
	_, err := clean(fs)
	return err
}

func clean(fs vfs.FS) (begun bool, err error) {
	infos, err := fs.List()
	if err != nil {
		return false, fmt.Errorf("list files: %w", err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(infos, func(info vfs.FileInfo) bool { return info.Name == name })
	}
	if !has(base.StagedName) || has(base.CurrentName) {
		return false, nil
	}
	for _, info := range infos {
		kind, _, ok := base.ParseFileName(info.Name)
		switch {
		case !ok, kind == base.FileLock, kind == base.FileInfoLog, info.Name == base.StagedName:
			continue
		case kind == base.FileLog:
			// If its removal comes undone, the next store would replay it.
			if err := writeEmpty(fs, info.Name); err != nil {
				return true, err
			}
		}
		if err := fs.Remove(info.Name); err != nil {
			return true, err
		}
	}
	return true, nil
}

// writeEmpty makes an empty file, durably.
func writeEmpty(fs vfs.FS, name string) error {
	w, err := fs.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(w.Sync(vfs.Strict), w.Close())
}

func staged(name string) string {
	if name == base.CurrentName {
		return base.StagedName
	}
	return name
}

// Create implements vfs.FS.
func (s *FS) Create(name string) (vfs.Writer, error) { return s.FS.Create(staged(name)) }

// Open implements vfs.FS.
func (s *FS) Open(name string) (vfs.Reader, error) { return s.FS.Open(staged(name)) }

// Remove implements vfs.FS.
func (s *FS) Remove(name string) error { return s.FS.Remove(staged(name)) }

// Rename implements vfs.FS.
func (s *FS) Rename(from, to string) error { return s.FS.Rename(staged(from), staged(to)) }

// List implements vfs.FS.
func (s *FS) List() ([]vfs.FileInfo, error) {
	infos, err := s.FS.List()
	for i := range infos {
		if infos[i].Name == base.StagedName {
			infos[i].Name = base.CurrentName
		}
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name < infos[j].Name })
	return infos, err
}

// Lock implements vfs.FS.
func (s *FS) Lock() (io.Closer, error) { return heldByCaller{}, nil }

type heldByCaller struct{}

func (heldByCaller) Close() error { return nil }
