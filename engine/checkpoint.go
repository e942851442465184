package engine

import (
	"errors"
	"fmt"
	"io"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs"
)

// checkpointPiece is the number of bytes that are copied at once.
const checkpointPiece = 256 << 10

// Checkpoint copies the store to dest, which must hold no file of a store: else it fails with
// ErrExists. The copy has every write that was acknowledged before the call, and of those made
// meanwhile perhaps some, but none without all before it. It is durable when Checkpoint
// returns. Writes go on as ever.
//
// Until the copy is complete, dest does not open as a store. If Checkpoint fails, it removes what
// it wrote. It fails with ErrClosed if the DB is closed meanwhile: Close waits for that.
// The bytes are copied as they are; Verify tells whether they are whole.
func (db *DB) Checkpoint(dest vfs.FS) (err error) {
	if err := db.beginBackground(); err != nil {
		return err
	}
	defer db.background.Done()
	unlock, err := dest.Lock()
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	defer func() {
		if err = errors.Join(err, unlock.Close()); err != nil {
			err = fmt.Errorf("checkpoint: %w", err)
		}
	}()
	if err := checkNoStore(dest); err != nil {
		return err
	}
	if err := db.Flush(); err != nil {
		if db.isClosing() {
			return ErrClosed
		}
		return err
	}
	version, seq := db.pinVersion()
	defer version.Unref()
	c := &checkpoint{db: db, dest: dest, buf: make([]byte, checkpointPiece)}
	if err := c.copy(version, seq); err != nil {
		return errors.Join(err, c.abandon())
	}
	return nil
}

// beginBackground makes Close wait for the caller, which calls db.background.Done.
func (db *DB) beginBackground() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return ErrClosed
	}
	db.background.Add(1)
	return nil
}

func checkNoStore(dest vfs.FS) error {
	infos, err := dest.List()
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	for _, info := range infos {
		kind, _, ok := base.ParseFileName(info.Name)
		if ok && kind != base.FileLock && kind != base.FileInfoLog {
			return fmt.Errorf("%w: there is %s", ErrExists, info.Name)
		}
	}
	return nil
}

// pinVersion returns the current version, referenced, and a sequence number that none of its
// entries exceeds. Unlike a read state, it keeps no memtable from being reused.
func (db *DB) pinVersion() (*manifest.Version, base.Seq) {
	s, seq := db.acquire()
	defer s.unref()
	s.version.Ref()
	return s.version, seq
}

// checkpoint is the state of one Checkpoint.
type checkpoint struct {
	db      *DB
	dest    vfs.FS
	buf     []byte
	created []string // what may be there
}

// copy makes dest a store of the version's tables.
func (c *checkpoint) copy(version *manifest.Version, seq base.Seq) error {
	num, edit := editOf(version, seq)
	for _, added := range edit.Added {
		if err := c.copyTable(added.Table); err != nil {
			return err
		}
	}
	named, err := createManifest(c.dest, num, edit)
	if err != nil && named {
		c.created = append(c.created, base.FileName(base.FileTemp, num), base.FileName(base.FileManifest, num), base.CurrentName)
	}
	return err
}

// editOf returns the edit that makes a store of the version's tables alone, and the number of the
// manifest that may hold it.
func editOf(version *manifest.Version, seq base.Seq) (num base.FileNum, edit *manifest.Edit) {
	edit = &manifest.Edit{LastSeq: &seq, PrevLogNum: new(base.FileNum(0))}
	for level, tables := range version.Levels {
		for _, t := range tables {
			edit.Added = append(edit.Added, manifest.AddedTable{Level: level, Table: t})
			num = max(num, t.Num)
		}
	}
	num++
	edit.LogNum = &num
	return num, edit
}

// openTableFile opens the file of a table of a version that is referenced.
func (db *DB) openTableFile(t *manifest.Table) (vfs.Reader, error) {
	name := base.FileName(base.FileTable, t.Num)
	file, err := db.fs.Open(name)
	if errors.Is(err, vfs.ErrNotFound) {
		file, err = db.fs.Open(base.OldTableName(t.Num))
	}
	if errors.Is(err, vfs.ErrNotFound) {
		return nil, base.Corruption(name, -1, "the table is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", name, err)
	}
	if file.Size() != t.Size {
		err := base.Corruption(name, -1, "the table has %d bytes, its manifest says %d", file.Size(), t.Size)
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// copyTable copies a table, durably.
func (c *checkpoint) copyTable(t *manifest.Table) (err error) {
	from, err := c.db.openTableFile(t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	name := base.FileName(base.FileTable, t.Num)
	c.created = append(c.created, name)
	to, err := c.dest.Create(name)
	if err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	err = c.copyPieces(to, from)
	if err == nil {
		err = to.Sync(vfs.Strict)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("copy table %s: %w", name, err)
	}
	return nil
}

func (c *checkpoint) copyPieces(to io.Writer, from vfs.Reader) error {
	for offset := int64(0); offset < from.Size(); {
		if c.db.isClosing() {
			return ErrClosed
		}
		piece := c.buf[:min(int64(len(c.buf)), from.Size()-offset)]
		if n, err := from.ReadAt(piece, offset); n < len(piece) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if _, err := to.Write(piece); err != nil {
			return err
		}
		offset += int64(len(piece))
		if c.db.opts.Yield != nil {
			c.db.opts.Yield()
		}
	}
	return nil
}

// abandon removes what was written, first of all what would make it a store.
func (c *checkpoint) abandon() error {
	var errs []error
	for i := len(c.created) - 1; i >= 0; i-- {
		if err := c.dest.Remove(c.created[i]); err != nil && !errors.Is(err, vfs.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
