//go:build js && wasm

package idbfs

import "syscall/js"

// takeOver makes this FS the owner in the database's eyes: it increments the epoch and fences
// every unsealed file off from writers of before. ours reports the files whose writers are of
// this FS; whole says that files that are read whole come along. It is not strict: what could undo it ends the writers of before as well.
func (db *database) takeOver(ours func(id int64) bool, whole bool) (l *listing, err error) {
	err = db.retrying(func(conn js.Value, _ bool) error {
		tx, err := db.begin(conn, db.names.everything, db.names.readwrite, db.names.relaxed)
		if err != nil {
			return err
		}
		if l, err = tx.readListing(); err != nil {
			return err
		}
		if err := tx.readWhole(l, ours, whole); err != nil {
			return err
		}
		l.epoch++
		l.made = l.hasRoot()
		var last js.Value
		if err := try(func() {
			tx.fence(l)
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

// fence adds an empty record behind the last one of each file that is to be fenced off, so that
// whoever was writing the file fails to add its next.
func (tx *transaction) fence(l *listing) {
	names := &tx.db.names
	for _, id := range l.unfenced {
		e := l.entries[id]
		e.fenced = true
		l.entries[id] = e
		tx.store(names.pages).Call("add", names.uint8Array.New(0), recordKey(id, e.records))
		tx.store(names.files).Call("put", e.js(), id)
	}
}
