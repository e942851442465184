package osfs

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/varvedb/varve/vfs"
)

// failure wraps an error of package os in the sentinel error of vfs that says the same.
// The path that package os puts before its errors gives way to the operation and the file.
func failure(op, name string, err error) error {
	kind := vfs.ErrIO
	switch {
	case errors.Is(err, os.ErrNotExist):
		kind = vfs.ErrNotFound
	case errors.Is(err, os.ErrClosed):
		kind = vfs.ErrClosed
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), isDiskFull(err):
		kind = &vfs.NoSpaceError{Available: -1}
	}
	return fmt.Errorf("%s %s: %w: %w", op, name, kind, cause(err))
}

func cause(err error) error {
	var pathError *os.PathError
	var linkError *os.LinkError
	switch {
	case errors.As(err, &pathError):
		return pathError.Err
	case errors.As(err, &linkError):
		return linkError.Err
	}
	return err
}
