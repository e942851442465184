//go:build !windows

package osfs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// A directory that is not where it was can't be synced; a file in it that is open can.
func TestFirstStrictSyncOfAFileSyncsItsName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	fs, err := Create(dir)
	ok(t, err)
	named, unnamed := written(t, fs, "named", "x"), written(t, fs, "unnamed", "x")
	ok(t, named.Sync(vfs.Strict))
	ok(t, os.Rename(dir, dir+" elsewhere"))
	ok(t, named.Sync(vfs.Strict))
	if err := unnamed.Sync(vfs.Strict); err == nil {
		t.Error("the name was not synced")
	}
	_ = unnamed.Close() // fails as its sync did
	ok(t, named.Close(), fs.Close())
}
