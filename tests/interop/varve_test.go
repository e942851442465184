//go:build !js

package interop

import (
	"errors"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs/osfs"
)

type varveStore struct{ *engine.DB }

// withVarve opens the store in dir with varve, has work done, checks the store, and closes it.
func withVarve(t *testing.T, dir string, o *engine.Options, work func(varveStore)) {
	t.Helper()
	fs, err := osfs.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := engine.Open(fs, o)
	if err != nil {
		t.Fatal(err)
	}
	work(varveStore{db})
	if _, err := db.Verify(); err != nil {
		t.Error(err)
	}
	if err := db.Check(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(db.Close(), fs.Close()); err != nil {
		t.Fatal(err)
	}
}

func (s varveStore) apply(writes []write) error {
	var b engine.Batch
	for _, w := range writes {
		var err error
		if w.deletion {
			err = b.Delete(w.key)
		} else {
			err = b.Put(w.key, w.value)
		}
		if err != nil {
			return err
		}
	}
	return s.Apply(&b, engine.Relaxed)
}

func (s varveStore) forward() ([]entry, error) {
	return s.walk((*engine.Iterator).First, (*engine.Iterator).Next)
}

func (s varveStore) backward() ([]entry, error) {
	return s.walk((*engine.Iterator).Last, (*engine.Iterator).Prev)
}

func (s varveStore) walk(first, next func(*engine.Iterator) bool) (entries []entry, err error) {
	it, err := s.NewIterator(engine.IterOptions{})
	if err != nil {
		return nil, err
	}
	for more := first(it); more; more = next(it) {
		entries = append(entries, entry{string(it.Key()), string(it.Value())})
	}
	return entries, errors.Join(it.Error(), it.Close())
}

func (s varveStore) get(key string) (string, bool, error) {
	value, err := s.Get(nil, []byte(key))
	if errors.Is(err, engine.ErrNotFound) {
		return "", false, nil
	}
	return string(value), err == nil, err
}

// levels returns how many levels have tables.
func (s varveStore) levels() (n int) {
	for _, level := range s.Metrics().Levels {
		if level.Files > 0 {
			n++
		}
	}
	return n
}
