package osfs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/varvedb/varve/vfs"
)

// claim excludes programs in Node, which can't see the lock of a file. Where there are no sockets,
// there is nothing to be done about them.
func claim(path string) (io.Closer, error) {
	name, err := nameOf(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return unclaimed{}, nil
	}
	err = syscall.Bind(socket, &syscall.SockaddrUnix{Name: "@" + name})
	if err == nil {
		return os.NewFile(uintptr(socket), name), nil
	}
	_ = syscall.Close(socket) // nothing was written
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, vfs.ErrLocked
	}
	return unclaimed{}, nil
}

func nameOf(dir string) (string, error) {
	var stat syscall.Stat_t
	if err := syscall.Stat(dir, &stat); err != nil {
		return "", &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	return claimName(strconv.FormatUint(uint64(stat.Dev), 10), strconv.FormatUint(stat.Ino, 10)), nil
}
