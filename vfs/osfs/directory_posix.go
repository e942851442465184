//go:build !windows && !js

package osfs

import (
	"errors"
	"os"
)

// openShared opens a file that others may remove and replace meanwhile.
func openShared(path string) (*os.File, error) { return os.Open(path) }

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(handle.Sync(), handle.Close())
}
