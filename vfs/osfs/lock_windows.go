package osfs

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/windows"

	"github.com/varvedb/varve/vfs"
)

// lockFile takes a lock that excludes every other open of the file, in this process and
// elsewhere, and that ends with the process.
func lockFile(path string) (io.Closer, error) {
	handle, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(handle.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if err == nil {
		return handle, nil
	}
	_ = handle.Close() // nothing was written
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return nil, vfs.ErrLocked
	}
	return nil, &os.PathError{Op: "LockFileEx", Path: path, Err: err}
}
