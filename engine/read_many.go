package engine

import (
	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/sstable"
)

// GetMany calls visit once for each of keys, in the order of the keys' bytes, with its
// index. All are read at one moment. value holds during the call of visit only.
func (db *DB) GetMany(keys [][]byte, visit func(i int, value []byte, found bool)) error {
	return db.getManyAt(keys, newest, visit)
}

// TryGetMany calls visit once for each of keys, in their order, with what TryGet returns for it.
// All are read at one moment. value holds during the call of visit only.
func (db *DB) TryGetMany(keys [][]byte, visit func(value []byte, err error)) {
	db.tryGetManyAt(keys, newest, visit)
}

func (db *DB) getManyAt(keys [][]byte, seq base.Seq, visit func(i int, value []byte, found bool)) error {
	for _, key := range keys {
		if err := db.checkRead(key); err != nil {
			return err
		}
	}
	w := db.newSweep(seq, sstable.Wait)
	defer w.close()
	for _, place := range w.order.of(len(keys), func(i int) []byte { return keys[i] }) {
		value, found, err := w.find(keys[place.i])
		if err != nil {
			return err
		}
		visit(place.i, value, found)
	}
	return nil
}

// outcome is what was found of a key.
type outcome struct {
	value []byte
	err   error
}

func (db *DB) tryGetManyAt(keys [][]byte, seq base.Seq, visit func(value []byte, err error)) {
	w := db.newSweep(seq, sstable.Try)
	defer w.close()
	w.outcomes = append(w.outcomes, make([]outcome, len(keys))...)
	for _, place := range w.order.of(len(keys), func(i int) []byte { return keys[i] }) {
		o := &w.outcomes[place.i]
		if o.err = db.checkRead(keys[place.i]); o.err != nil {
			continue
		}
		var found bool
		if o.value, found, o.err = w.find(keys[place.i]); o.err == nil && !found {
			o.err = ErrNotFound
		}
	}
	for _, o := range w.outcomes {
		visit(o.value, o.err)
	}
}
