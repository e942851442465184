package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/internal/base"
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
	if err := checkStore(dir); err != nil && !errors.Is(err, errVacant) {
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

var (
	// errVacant is wrapped by the errors on a directory in which a store may be made.
	errVacant = errors.New("'varve put' and 'varve import' make one")

	// errHeadless is wrapped by the error on a store without its CURRENT file.
	errHeadless = errors.New("restore the whole directory from a copy, or run 'varve repair'")
)

// checkStore fails unless there is a store in dir. It changes nothing there: not even the lock
// file may be left in a directory that is not a store.
func checkStore(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist, so there is no store in it; %w", dir, errVacant)
	}
	if err != nil {
		return checkDirectory(dir, err)
	}
	vacant, data := true, ""
	for _, entry := range entries {
		kind, _, ours := base.ParseFileName(entry.Name())
		switch {
		case !ours:
			vacant = false
		case kind == base.FileCurrent:
			return nil
		case kind == base.FileTable || kind == base.FileLog:
			data = entry.Name()
		}
	}
	if data != "" {
		return fmt.Errorf("%s is a store without its %s file: it holds %s, but not what leads to it; %w",
			dir, base.CurrentName, data, errHeadless)
	}
	if vacant {
		return fmt.Errorf("%s is empty, so there is no store in it; %w", dir, errVacant)
	}
	return fmt.Errorf("%s is not a store: it holds other files and no %s; "+
		"name a store's directory, or a new one", dir, base.CurrentName)
}

// checkDirectory says why dir can't be listed.
func checkDirectory(dir string, cause error) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory; a store is a directory", dir)
	}
	return fmt.Errorf("look for a store: %w", cause)
}
