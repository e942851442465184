//go:build js && wasm

package idbfs

import (
	"errors"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// sweep is an owner's search for records without an entry, from the highest id downwards. It is
// done in slices, when nothing else waits. Its fields are guarded by FS.mu.
type sweep struct {
	due    bool
	below  int64 // the key before which the search goes on
	fences int   // that were found so far, and kept
}

const (
	// maxFences is how many fences of deleted files are kept: a former owner that is this many
	// files behind has been without its lock for dozens of crashes.
	maxFences = 64

	// sweepSteps is how many records one transaction looks at, and sweepRecords how many pages
	// without an entry one deletes. Writers wait for it.
	sweepSteps   = 32
	sweepRecords = dropSize / pageSize
)

// sweepSlice looks at some records, and deletes those that belong to no file.
func (fs *FS) sweepSlice() {
	fs.mu.Lock()
	s, epoch := fs.sweep, fs.epoch
	fs.mu.Unlock()

	orphans, err := fs.db.findOrphans(&s, func(id int64) bool {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		return fs.files[id] != nil
	})
	if err == nil && len(orphans) > 0 {
		err = fs.db.commit(&writes{epoch: epoch, deleted: orphans})
	}

	fs.mu.Lock()
	defer fs.mu.Unlock()
	switch {
	case err == nil:
		fs.sweep = s
		if len(orphans) > 0 {
			fs.stats.Delete.Transactions++
		}
	case errors.Is(err, vfs.ErrLocked), errors.Is(err, vfs.ErrClosed):
		fs.die(err)
		fs.sweep.due = false
	default:
		fs.sweep.due = false // the next owner tries again
	}
}

// findOrphans goes on with a sweep. It returns the ranges of records that belong to no file and
// are not among the newest fences.
func (db *database) findOrphans(s *sweep, known func(id int64) bool) (orphans []keyRange, err error) {
	begun := *s
	err = db.retrying(func(conn js.Value, _ bool) error {
		*s, orphans = begun, nil
		tx, err := db.begin(conn, db.names.pages, db.names.readonly, db.names.relaxed)
		if err != nil {
			return err
		}
		var pages, last js.Value
		if err := try(func() {
			pages = tx.store(db.names.pages)
			last = pages.Call("openKeyCursor", db.jsRange(keyRange{recordKey(1, 0), s.below}), "prev")
		}); err != nil {
			tx.abort()
			return err
		}
		for step := 1; ; step++ {
			cursor, err := tx.await(last)
			if err != nil {
				return err
			}
			if !cursor.Truthy() {
				s.due = false
				break
			}
			orphan, err := tx.inspect(pages, s, int64(cursor.Get("key").Float()), known)
			if err != nil {
				return err
			}
			n := orphan.end - orphan.start
			if n > 0 {
				orphans = append(orphans, orphan)
			}
			if step == sweepSteps || n > 1 {
				break
			}
			if err := try(func() { cursor.Call("continue", s.below-1) }); err != nil {
				tx.abort()
				return err
			}
		}
		tx.leave()
		return nil
	})
	return orphans, err
}

// inspect looks at the record of that key, and moves the sweep behind it and whatever needs no
// look. It returns what is to be deleted, if anything.
func (tx *transaction) inspect(pages js.Value, s *sweep, key int64, known func(id int64) bool) (keyRange, error) {
	id := key >> indexBits
	if known(id) {
		for id > 1 && known(id-1) {
			id--
		}
		s.below = recordKey(id, 0)
		return keyRange{}, nil
	}
	var request js.Value
	if err := try(func() { request = pages.Call("get", key) }); err != nil {
		tx.abort()
		return keyRange{}, err
	}
	value, err := tx.await(request)
	if err != nil {
		return keyRange{}, err
	}
	isFence := value.Type() == js.TypeObject && value.Get("length").Equal(js.ValueOf(0))
	s.below = key
	switch {
	case isFence && s.fences < maxFences:
		s.fences++
		return keyRange{}, nil
	case !isFence:
		s.below = max(recordKey(id, 0), key+1-sweepRecords)
	}
	return keyRange{s.below, key + 1}, nil
}
