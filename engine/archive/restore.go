package archive

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/staging"
	"github.com/varvedb/varve/vfs"
)

// Restore makes the store of an archive in fs, where there must be none: else it fails with
// engine.ErrExists. It reads from to its end, which may lie behind that of the archive: a source that
// fails there may not have given the archive whole. The store is verified, opened with options o,
// before it is one; it is closed when Restore returns.
//
// It fails with engine.ErrInvalidArgument if from is no archive of a LevelDB store, and with
// *engine.CorruptionError if that is damaged or cut off. Then nothing is left of it.
func Restore(fs vfs.FS, from io.Reader, o engine.Options) (err error) {
	unlock, err := fs.Lock()
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err = errors.Join(err, unlock.Close()); err != nil {
			err = fmt.Errorf("restore: %w", err)
		}
	}()
	exists, err := manifest.Exists(fs)
	if err != nil {
		return err
	}
	if exists {
		return engine.ErrExists
	}
	stage, err := staging.Begin(fs)
	if err != nil {
		return err
	}
	err = unpack(stage, from)
	if err == nil {
		err = verify(stage, o)
	}
	if err == nil {
		err = drain(from)
	}
	if err == nil {
		err = stage.Commit()
	}
	if err != nil {
		return errors.Join(err, stage.Abandon())
	}
	return nil
}

// NothingLeft reports whether fs has no file but those of a Restore that failed.
func NothingLeft(fs vfs.FS) bool {
	infos, err := fs.List()
	return err == nil && !slices.ContainsFunc(infos, func(info vfs.FileInfo) bool { return info.Name != base.StagedName })
}

// verify opens the store and reads every byte of it.
func verify(stage *staging.FS, o engine.Options) error {
	o.ErrorIfMissing, o.ErrorIfExists = true, false
	db, err := engine.Open(stage, &o)
	if errors.Is(err, manifest.ErrComparer) {
		return fmt.Errorf("%w: %w", engine.ErrInvalidArgument, err)
	}
	if err != nil {
		return err
	}
	_, err = db.Verify()
	return errors.Join(err, db.Close())
}

// drain reads from to its end. io.Copy would do, but it keeps 7 KB of methods in a page's engine that
// nothing calls.
func drain(from io.Reader) error {
	buffer := make([]byte, bufferSize)
	for {
		if _, err := from.Read(buffer); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
