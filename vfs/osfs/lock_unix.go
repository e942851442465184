//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package osfs

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/varvedb/varve/vfs"
)

// lockFile takes a lock that excludes every other open of the file, in this process and
// elsewhere, and that ends with the process.
func lockFile(path string) (io.Closer, error) {
	handle, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	claimed, err := lockHandle(handle)
	if err != nil {
		return nil, errors.Join(err, handle.Close())
	}
	return locks{claimed, handle}, nil
}

// lockHandle takes the locks of an open file, which end with it, and returns the claim beside them.
func lockHandle(handle *os.File) (io.Closer, error) {
	err := unix.Flock(int(handle.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, vfs.ErrLocked
	}
	if err != nil {
		return nil, &os.PathError{Op: "flock", Path: handle.Name(), Err: err}
	}
	if err := lockPOSIX(handle); err != nil {
		return nil, err
	}
	return claim(handle.Name())
}

// locks are held together.
type locks struct{ claim, file io.Closer }

func (l locks) Close() error { return errors.Join(l.claim.Close(), l.file.Close()) }

// unclaimed is the claim where none is made.
type unclaimed struct{}

func (unclaimed) Close() error { return nil }
