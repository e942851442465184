package engine

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs"
)

// Image is a copy of the store as it was at one moment, file by file, for those who carry it
// elsewhere than to a vfs.FS, as Checkpoint does. It must be closed before the DB: what it sees
// can't be reclaimed before. Its methods may be called concurrently.
type Image struct {
	db      *DB
	version *manifest.Version
	files   []imageFile
	closed  atomic.Bool
}

// imageFile is a table of the store, or else has a content that is not in the store as it is in the
// copy.
type imageFile struct {
	name    string
	table   *manifest.Table
	content []byte
}

// NewImage returns an Image of what Checkpoint would copy.
func (db *DB) NewImage() (*Image, error) {
	if err := db.beginBackground(); err != nil {
		return nil, err
	}
	defer db.background.Done()
	if err := db.Flush(); err != nil {
		if db.isClosing() {
			return nil, ErrClosed
		}
		return nil, fmt.Errorf("image: %w", err)
	}
	version, seq := db.pinVersion()
	im := &Image{db: db, version: version}
	num, edit := editOf(version, seq)
	for _, added := range edit.Added {
		im.files = append(im.files, imageFile{name: base.FileName(base.FileTable, added.Num), table: added.Table})
	}
	name := base.FileName(base.FileManifest, num)
	im.files = append(im.files, imageFile{name: name, content: manifestContent(num, edit)},
		imageFile{name: base.CurrentName, content: []byte(name + "\n")})
	db.images.Add(1)
	return im, nil
}

// Len returns the number of files. They should be written in their order: as long as the last of
// them, CURRENT, is not there, the others are no store.
func (im *Image) Len() int { return len(im.files) }

// Open opens the ith file. The bytes are read as they are; Verify tells whether they are whole.
func (im *Image) Open(i int) (name string, file vfs.Reader, err error) {
	f := &im.files[i]
	switch {
	case im.closed.Load() || im.db.isClosing():
		return f.name, nil, fmt.Errorf("image: %w", ErrClosed)
	case f.table != nil:
		file, err = im.db.openTableFile(f.table)
		return f.name, file, err
	}
	return f.name, contentReader{bytes.NewReader(f.content)}, nil
}

// Close lets go of the store. It may be called again.
func (im *Image) Close() error {
	if !im.closed.Swap(true) {
		im.version.Unref()
		im.db.images.Add(-1)
	}
	return nil
}

// contentReader is a vfs.Reader in memory.
type contentReader struct{ *bytes.Reader }

func (contentReader) Close() error { return nil }
