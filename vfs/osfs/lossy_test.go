package osfs

import (
	"bufio"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// lossyHandle is a file as Linux keeps it: what an fsync that failed should have brought to the
// medium stays readable, but no later fsync brings it there, or tells of it.
type lossyHandle struct {
	handle
	mu      sync.Mutex
	content []byte // as programs see it
	dirty   int64  // where what no fsync has tried to bring to the medium begins
	medium  []byte // what a loss of power leaves
	failing bool   // the next Sync fails
	reached chan struct{}
	opened  chan struct{} // a Sync waits for it, if it is there
}

// lossy makes the file of w, which is empty, a lossy one.
func lossy(w *writer) *lossyHandle {
	h := &lossyHandle{handle: w.file.handle}
	w.file.handle = h
	w.buffer = bufio.NewWriterSize(h, bufferSize)
	return h
}

func (h *lossyHandle) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.content = append(h.content, p...)
	return h.handle.Write(p)
}

func (h *lossyHandle) Truncate(size int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.content = h.content[:size]
	h.medium = h.medium[:min(size, int64(len(h.medium)))]
	h.dirty = min(h.dirty, size)
	return h.handle.Truncate(size)
}

func (h *lossyHandle) Sync() error {
	if h.opened != nil {
		h.reached <- struct{}{}
		<-h.opened
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	lost := h.failing
	h.failing = false
	from := h.dirty
	h.dirty = int64(len(h.content))
	h.medium = append(h.medium, make([]byte, len(h.content)-len(h.medium))...)
	if lost {
		return syscall.EIO
	}
	copy(h.medium[from:], h.content[from:])
	return nil
}

// loseNext makes the next fsync of the file fail.
func (h *lossyHandle) loseNext() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failing = true
}

// afterPowerLoss returns what the medium has of the file.
func (h *lossyHandle) afterPowerLoss() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.medium)
}

// lostLog makes a log that was synced Relaxed and whose next fsync fails.
func lostLog(t *testing.T, fs *FS) (*writer, *lossyHandle) {
	t.Helper()
	w, err := fs.Create("000001.log")
	ok(t, err)
	log := w.(*writer)
	h := lossy(log)
	_, err = log.Write([]byte("lost"))
	ok(t, err, log.Sync(vfs.Relaxed))
	h.loseNext()
	return log, h
}
