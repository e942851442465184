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

// NewIterator implements Store.
func (s Varve) NewIterator() (Iterator, error) { return s.DB.NewIterator(engine.IterOptions{}) }
