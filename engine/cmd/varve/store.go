package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

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
	if err != nil {
		return openError(dir, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return work(store{db, fs})
}

// errNoWriteAccess is wrapped by the error on a store that may not be written.
var errNoWriteAccess = errors.New("a store has to be writable, even to be read: it is locked, and what a crash left is recovered; read a copy of it")

// openError explains why the store in dir could not be opened.
func openError(dir string, err error) error {
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return fmt.Errorf("%s is locked: another program has the store open; close it there and try again", dir)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s: %w; %w", dir, err, errNoWriteAccess)
	}
	return fmt.Errorf("%s: %w", dir, err)
}
