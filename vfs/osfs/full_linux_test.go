package osfs

import (
	"errors"
	"os"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// fullWriter writes to a device without space.
func fullWriter(t *testing.T) *writer {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return newWriter(newFS(t), "000001.log", full)
}

func TestFullDiskIsNoSpace(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes int
		end   func(w *writer) error
	}{
		{"found by Write", 2 * bufferSize, func(*writer) error { return nil }},
		{"found by Sync", 10, func(w *writer) error { return w.Sync(vfs.Strict) }},
		{"found by a relaxed Sync", 10, func(w *writer) error { return w.Sync(vfs.Relaxed) }},
		{"found by Close", 10, func(w *writer) error { return w.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := fullWriter(t)
			_, err := w.Write(make([]byte, c.bytes))
			if err == nil {
				err = c.end(w)
			}
			var figures *vfs.NoSpaceError
			if !errors.Is(err, vfs.ErrNoSpace) || !errors.As(err, &figures) {
				t.Errorf("error is %v, want one that wraps a NoSpaceError", err)
			}
		})
	}
}
