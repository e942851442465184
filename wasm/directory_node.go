//go:build js && wasm && varve_node

package main

import (
	"errors"
	"fmt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/osfs"
)

// openDirectory opens a directory of the system that Node runs on.
func openDirectory(dir string, mustExist bool) (vfs.FS, error) {
	if !mustExist {
		return osfs.Create(dir)
	}
	fs, err := osfs.Open(dir)
	if errors.Is(err, vfs.ErrNotFound) {
		return nil, fmt.Errorf("open store in %s: %w", dir, engine.ErrNoStore)
	}
	return fs, err
}
