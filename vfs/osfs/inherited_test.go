package osfs

import (
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// A process that was killed may have left a file that was synced Relaxed only: no later sync
// may outlive that one. That files are looked for can be seen where there is no directory.
func TestFirstSyncSettlesWhatIsThere(t *testing.T) {
	for _, d := range []vfs.Durability{vfs.Relaxed, vfs.Strict} {
		before := newFS(t)
		ok(t, written(t, before, "000001.log", "x").Sync(vfs.Relaxed))

		fs, err := Open(before.dir)
		ok(t, err)
		w := written(t, fs, "000002.log", "x")
		w.file.named = true
		fs.dir = filepath.Join(before.dir, "missing")
		if w.Sync(d) == nil {
			t.Error("done without an fsync of 000001.log")
		}

		fs.dir = before.dir
		w = written(t, fs, "000003.log", "x")
		ok(t, w.Sync(d))
		w.file.named = true
		fs.dir = filepath.Join(before.dir, "missing")
		ok(t, w.Sync(d))
	}
}
