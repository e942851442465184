package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/varvedb/varve/engine/internal/base"
)

var (
	// errVacant is wrapped by the errors on a directory in which a store may be made.
	errVacant = errors.New("'varve put' and 'varve import' make one")

	// errNameless is what a script gives that names the directory by a variable which is not set.
	errNameless = &usageError{reason: "the name of the directory is empty"}

	// errHeadless is wrapped by the error on a store without its CURRENT file.
	errHeadless = errors.New("restore the whole directory from a copy, or run 'varve repair'")
)

// checkStore fails unless there is a store in dir. It changes nothing there: not even the lock
// file may be left in a directory that is not a store.
func checkStore(dir string) error {
	if dir == "" {
		return errNameless
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s does not exist, so there is no store in it; %w", dir, errVacant)
	}
	if err != nil {
		return checkDirectory(dir, err)
	}
	vacant, staged, data := true, false, ""
	for _, entry := range entries {
		kind, _, ours := base.ParseFileName(entry.Name())
		switch {
		case !ours:
			vacant = false
		case kind == base.FileCurrent:
			return nil
		case kind == base.FileTable || kind == base.FileLog:
			data = entry.Name()
		case entry.Name() == base.StagedName:
			staged = true // the others have never been a store: an engine removes them
		}
	}
	if data != "" && !staged {
		return fmt.Errorf("%s is a store without its %s file: it holds %s, but not what leads to it; %w",
			dir, base.CurrentName, data, errHeadless)
	}
	if vacant {
		return fmt.Errorf("%s is empty, so there is no store in it; %w", dir, errVacant)
	}
	return fmt.Errorf("%s is not a store: it holds other files and no %s; "+
		"name a store's directory, or a new one", dir, base.CurrentName)
}

// checkStoreOrVacant fails unless there is a store in dir, or one may be made there.
func checkStoreOrVacant(dir string) error {
	err := checkStore(dir)
	if errors.Is(err, errVacant) {
		return checkAbove(dir)
	}
	return err
}

// checkAbove fails if a directory above dir is missing. osfs would make it, but a path that is
// misspelt must not lead to a store nobody finds again.
func checkAbove(dir string) error {
	missing := ""
	for above := filepath.Dir(filepath.Clean(dir)); above != missing; above = filepath.Dir(above) {
		if _, err := os.Stat(above); !errors.Is(err, os.ErrNotExist) {
			break
		}
		missing = above
	}
	if missing == "" {
		return nil
	}
	return fmt.Errorf("%s can't be made: the directory %s does not exist; make it first", dir, missing)
}

// checkEmpty fails unless dir is an empty directory, or missing in one that is there.
func checkEmpty(dir string) error {
	if dir == "" {
		return errNameless
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return checkAbove(dir)
	}
	if err != nil {
		return checkDirectory(dir, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty: it holds %s; name a directory that is empty or missing", dir, entries[0].Name())
	}
	return nil
}

// checkDirectory says why dir can't be listed.
func checkDirectory(dir string, cause error) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory; a store is a directory", dir)
	}
	return fmt.Errorf("look for a store: %w", cause)
}
