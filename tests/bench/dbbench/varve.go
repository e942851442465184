package dbbench

import (
	"errors"

	"github.com/varvedb/varve/engine"
)

// Varve is the Store that a varve DB is.
type Varve struct {
	DB         *engine.DB
	Durability engine.Durability // of all writes but PutSync
}

var _ Store = Varve{}

func (s Varve) Put(key, value []byte) error     { return s.DB.Put(key, value, s.Durability) }
func (s Varve) Delete(key []byte) error         { return s.DB.Delete(key, s.Durability) }
func (s Varve) PutSync(key, value []byte) error { return s.DB.Put(key, value, engine.Strict) }
func (s Varve) Settle() error                   { return s.DB.Compact(nil, nil) }

// PutAll implements Store.
func (s Varve) PutAll(keys, values [][]byte) error {
	var b engine.Batch
	for i, key := range keys {
		if err := b.Put(key, values[i]); err != nil {
			return err
		}
	}
	return s.DB.Apply(&b, s.Durability)
}

// Get implements Store.
func (s Varve) Get(dst, key []byte) (value []byte, found bool, err error) {
	value, err = s.DB.Get(dst[:0], key)
	if errors.Is(err, engine.ErrNotFound) {
		return value, false, nil
	}
	return value, err == nil, err
}

// Seek implements Store.
func (s Varve) Seek(key []byte) (found bool, err error) {
	it, err := s.DB.NewIterator(engine.IterOptions{})
	if err != nil {
		return false, err
	}
	found = it.SeekGE(key)
	return found, errors.Join(it.Error(), it.Close())
}

// Scan implements Store.
func (s Varve) Scan(reverse bool) (entries, bytes int64, err error) {
	it, err := s.DB.NewIterator(engine.IterOptions{})
	if err != nil {
		return 0, 0, err
	}
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	for valid := start(); valid; valid = step() {
		entries++
		bytes += int64(len(it.Key()) + len(it.Value()))
	}
	return entries, bytes, errors.Join(it.Error(), it.Close())
}
