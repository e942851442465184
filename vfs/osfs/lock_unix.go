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
	err = unix.Flock(int(handle.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		claimed, err := claim(path)
		if err != nil {
			return nil, errors.Join(err, handle.Close())
		}
		return locks{claimed, handle}, nil
	}
	_ = handle.Close() // nothing was written
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, vfs.ErrLocked
	}
	return nil, &os.PathError{Op: "flock", Path: path, Err: err}
}

// locks are held together.
type locks struct{ claim, file io.Closer }

func (l locks) Close() error { return errors.Join(l.claim.Close(), l.file.Close()) }

// unclaimed is the claim where none is made.
type unclaimed struct{}

func (unclaimed) Close() error { return nil }
