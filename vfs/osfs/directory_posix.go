//go:build !windows && !js

package osfs

import (
	"errors"
	"os"
)

// openShared opens a file that others may remove and replace meanwhile.
func openShared(path string) (*os.File, error) { return os.Open(path) }

// openToSync opens a file for an fsync, which needs no right to write it.
func openToSync(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrPermission) {
		return os.Open(path)
	}
	return file, err
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}
