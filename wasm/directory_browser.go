//go:build js && wasm && !varve_node

package main

import (
	"fmt"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/wasm/session"
)

// openDirectory fails: a page is spared the code for directories.
func openDirectory(string, bool) (vfs.FS, error) {
	return nil, fmt.Errorf("directories are for varve-node.wasm: %w", session.ErrUnsupported)
}
