package memfs_test

import (
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	vfstest.Run(t, func(t *testing.T) (vfs.FS, func() vfs.FS) {
		fs := memfs.New()
		return fs, func() vfs.FS {
			if err := fs.Close(); err != nil {
				t.Fatal(err)
			}
			fs = fs.Clone()
			return fs
		}
	})
}
