//go:build js && wasm

package idbfs

import "syscall/js"

// takeOver makes this FS the owner in the database's eyes: it increments the epoch and fences
// every unsealed file off from writers of before. ours reports the files whose writers are of
// this FS.
func (db *database) takeOver(ours func(id int64) bool) (l *listing, err error) {
	err = db.retrying(func(conn js.Value, _ bool) error {
		tx, err := db.begin(conn, db.names.everything, db.names.readwrite, db.names.strict)
		if err != nil {
			return err
		}
		if l, err = tx.readListing(); err != nil {
			return err
		}
		for id, e := range l.entries {
			if e.sealed || e.fenced || ours(id) {
				continue
			}
			if l.entries[id], err = tx.fence(id, e); err != nil {
				return err
			}
		}
		l.epoch++
		l.made = l.hasRoot()
		var last js.Value
		if err := try(func() {
			meta := tx.store(db.names.meta)
			meta.Call("put", l.epoch, db.names.epoch)
			last = meta.Call("put", l.made, db.names.made)
		}); err != nil {
			tx.abort()
			return err
		}
		return tx.complete(last)
	})
	return l, err
}

// fence adds an empty record behind a file's last one, so that whoever was writing the file
// fails to add its next.
func (tx *transaction) fence(id int64, e entry) (entry, error) {
	names := &tx.db.names
	var last js.Value
	if err := try(func() {
		all := tx.db.jsRange(keyRange{recordKey(id, 0), recordKey(id+1, 0)})
		last = tx.store(names.pages).Call("openKeyCursor", all, "prev")
	}); err != nil {
		tx.abort()
		return e, err
	}
	cursor, err := tx.await(last)
	if err != nil {
		return e, err
	}
	e.fenced, e.records = true, 0
	if cursor.Truthy() {
		e.records = int64(cursor.Get("key").Float())&indexMask + 1
	}
	if err := try(func() {
		tx.store(names.pages).Call("add", names.uint8Array.New(0), recordKey(id, e.records))
		tx.store(names.files).Call("put", e.js(), id)
	}); err != nil {
		tx.abort()
		return e, err
	}
	return e, nil
}
