package osfs

import (
	"io"
	"sync"

	"github.com/varvedb/varve/vfs"
)

// heldLocks are the lock files that this process holds. It is the package's one global:
// Node locks no files, so that only the process itself can know.
var heldLocks sync.Map

// lockFile takes a lock that excludes every other one of this process.
func lockFile(path string) (io.Closer, error) {
	if _, held := heldLocks.LoadOrStore(path, true); held {
		return nil, vfs.ErrLocked
	}
	return heldLock(path), nil
}

type heldLock string

func (l heldLock) Close() error {
	heldLocks.Delete(string(l))
	return nil
}
