//go:build js && wasm

package idbfs

import (
	"fmt"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// entry is a file's value in the directory, as the package comment draws it.
type entry struct {
	name                  string
	sealed, paged, fenced bool
	size, records         int64
}

func (e entry) js() map[string]any {
	return map[string]any{
		"name":    e.name,
		"sealed":  e.sealed,
		"paged":   e.paged,
		"fenced":  e.fenced,
		"size":    e.size,
		"records": e.records,
	}
}

func parseEntry(v js.Value) (entry, error) {
	if v.Type() != js.TypeObject {
		return entry{}, fmt.Errorf("it is a %v: %w", v.Type(), vfs.ErrDamaged)
	}
	f := fields{object: v}
	e := entry{
		name:    f.text("name"),
		sealed:  f.flag("sealed"),
		paged:   f.flag("paged"),
		fenced:  f.flag("fenced"),
		size:    f.number("size"),
		records: f.number("records"),
	}
	return e, f.err
}

// fields reads the properties of an object. err tells of the first that is of another type.
type fields struct {
	object js.Value
	err    error
}

func (f *fields) get(name string, want js.Type) (v js.Value, ok bool) {
	v = f.object.Get(name)
	got := v.Type()
	if got != want && f.err == nil {
		f.err = fmt.Errorf("its %s is a %v: %w", name, got, vfs.ErrDamaged)
	}
	return v, got == want
}

func (f *fields) text(name string) (s string) {
	if v, ok := f.get(name, js.TypeString); ok {
		s = v.String()
	}
	return s
}

func (f *fields) flag(name string) (b bool) {
	if v, ok := f.get(name, js.TypeBoolean); ok {
		b = v.Bool()
	}
	return b
}

func (f *fields) number(name string) (n int64) {
	if v, ok := f.get(name, js.TypeNumber); ok {
		n = int64(v.Float())
	}
	return n
}

// listing is the directory as the database has it.
type listing struct {
	epoch   int64
	entries map[int64]entry
	pieces  int64 // of the headroom
	lastID  int64 // the highest that was ever used, so far as can be seen
	made    bool  // the directory was last known to have a root
	closed  bool  // the last owner, if there was one, has closed the store

	// Of one who takes over:
	unfenced []int64                // unsealed files that have no fence yet
	whole    map[int64]runOfRecords // what is in files that are read whole
}

// rootFile is the file without which there is no store: it names all others, and is only ever
// replaced. That it is there is noted in meta, too, so that a store whose directory was emptied is
// not taken for one that is about to be made.
const rootFile = "CURRENT"

func (l *listing) hasRoot() bool {
	for _, e := range l.entries {
		if e.name == rootFile {
			return true
		}
	}
	return false
}

// readListing reads the directory within a transaction over all object stores.
func (tx *transaction) readListing() (*listing, error) {
	names := &tx.db.names
	var format, epoch, made, closed, keys, values, pieces, last js.Value
	if err := try(func() {
		meta, files := tx.store(names.meta), tx.store(names.files)
		format = meta.Call("get", names.format)
		epoch = meta.Call("get", names.epoch)
		made = meta.Call("get", names.made)
		closed = meta.Call("get", names.closed)
		keys = files.Call("getAllKeys")
		values = files.Call("getAll")
		pieces = tx.store(names.pages).Call("count", tx.db.jsRange(headroomRange))
		last = tx.store(names.pages).Call("openKeyCursor", nil, "prev")
	}); err != nil {
		tx.abort()
		return nil, err
	}
	cursor, err := tx.await(last)
	if err != nil {
		return nil, err
	}
	l := &listing{
		entries: make(map[int64]entry),
		pieces:  int64(pieces.Get("result").Int()),
		made:    made.Get("result").Truthy(),
	}
	err = l.fill(format.Get("result"), epoch.Get("result"), keys.Get("result"), values.Get("result"), cursor)
	if err != nil {
		tx.abort()
	}
	l.closed = l.epoch == 0 || closed.Get("result").Equal(js.ValueOf(l.epoch))
	return l, err
}

func (l *listing) fill(format, epoch, keys, values, cursor js.Value) error {
	if format.Type() != js.TypeNumber || epoch.Type() != js.TypeNumber {
		return fmt.Errorf("format %s, epoch %s: %w", format.String(), epoch.String(), vfs.ErrDamaged)
	}
	if format.Float() != formatVersion {
		return fmt.Errorf("format %s, not %d: %w", format.String(), formatVersion, ErrFormat)
	}
	l.epoch = int64(epoch.Float())
	if cursor.Truthy() {
		l.lastID = int64(cursor.Get("key").Float()) >> indexBits
	}
	for i := range values.Length() {
		if keys.Index(i).Type() != js.TypeNumber {
			return fmt.Errorf("directory key %s: %w", keys.Index(i).String(), vfs.ErrDamaged)
		}
		id := int64(keys.Index(i).Float())
		e, err := parseEntry(values.Index(i))
		if err != nil {
			return fmt.Errorf("directory entry %d: %w", id, err)
		}
		l.entries[id] = e
		l.lastID = max(l.lastID, id)
	}
	if l.made && !l.hasRoot() {
		return fmt.Errorf("a store was made here, and its %s is gone: %w", rootFile, vfs.ErrDamaged)
	}
	return nil
}

// readDirectory reads the directory in a transaction of its own.
func (db *database) readDirectory() (l *listing, err error) {
	err = db.retrying(func(conn js.Value, _ bool) error {
		tx, err := db.begin(conn, db.names.everything, db.names.readonly, db.names.relaxed)
		if err != nil {
			return err
		}
		if l, err = tx.readListing(); err != nil {
			return err
		}
		tx.leave()
		return nil
	})
	return l, err
}
