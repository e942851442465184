package osfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/varvedb/varve/vfs"
)

// lockPOSIX excludes programs that lock the file by fcntl, as LevelDB in C++ does: Linux tells them
// nothing of a flock. Unlike a lock of the process, one of an open file does not end when another
// handle of the file is closed. Where there are none, flock must do.
func lockPOSIX(handle *os.File) error {
	err := unix.FcntlFlock(handle.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return vfs.ErrLocked
	case err == nil, errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.ENOSYS):
		return nil
	}
	return &os.PathError{Op: "fcntl", Path: handle.Name(), Err: err}
}
