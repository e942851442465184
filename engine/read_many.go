package engine

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

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
	for _, place := range w.arrange(keys) {
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
	for _, place := range w.arrange(keys) {
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

// place is a key's index, and the first of its bytes that keys may differ in.
type place struct {
	first uint64
	i     int
}

// arrange returns the places of keys in the order of the keys' bytes. Most are told apart by eight
// bytes behind what all have in common.
func (w *sweep) arrange(keys [][]byte) []place {
	if len(keys) == 0 {
		return nil
	}
	shared := keys[0]
	for _, key := range keys[1:] {
		n := 0
		for n < len(shared) && n < len(key) && shared[n] == key[n] {
			n++
		}
		shared = shared[:n]
	}
	for i, key := range keys {
		w.order = append(w.order, place{firstBytes(key[len(shared):]), i})
	}
	slices.SortFunc(w.order, func(a, b place) int {
		switch {
		case a.first < b.first:
			return -1
		case a.first > b.first:
			return +1
		}
		return bytes.Compare(keys[a.i], keys[b.i])
	})
	return w.order
}

// firstBytes returns a number that orders as the first bytes do, where it differs.
func firstBytes(s []byte) uint64 {
	if len(s) >= 8 {
		return bits.ReverseBytes64(binary.LittleEndian.Uint64(s))
	}
	var padded [8]byte
	copy(padded[:], s)
	return binary.BigEndian.Uint64(padded[:])
}
