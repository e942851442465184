package main

import (
	"errors"
	"fmt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/osfs"
)

// withStore opens the store in dir, has work done on it, and closes it.
func withStore(dir string, work func(store) error) error {
	if err := checkStore(dir); err != nil {
		return err
	}
	return openAndWork(dir, &engine.Options{ErrorIfMissing: true}, osfs.Open, work)
}

// withNewStore is withStore, but makes a store if dir is missing or empty.
func withNewStore(dir string, work func(store) error) error {
	if err := checkStoreOrVacant(dir); err != nil {
		return err
	}
	return openAndWork(dir, &engine.Options{}, osfs.Create, work)
}

// store is an open store.
type store struct {
	*engine.DB
	fs vfs.FS
}

func openAndWork(dir string, o *engine.Options, open func(dir string) (*osfs.FS, error), work func(store) error) (err error) {
	fs, err := open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fs.Close()) }()
	db, err := engine.Open(fs, o)
	if errors.Is(err, vfs.ErrLocked) {
		return lockedError(dir)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return work(store{db, fs})
}

func lockedError(dir string) error {
	return fmt.Errorf("%s is locked: another program has the store open; close it there and try again", dir)
}
