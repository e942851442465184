//go:build js && wasm

package idbfs

import (
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	t.Run("Reader", func(t *testing.T) { testConformance(t, false) })
	t.Run("Owner", func(t *testing.T) { testConformance(t, true) })
}

// testConformance tests one that is opened again with its lock or without.
func testConformance(t *testing.T, locked bool) {
	vfstest.Run(t, func(t *testing.T) (vfs.FS, func() vfs.FS) {
		fs := openStore(t)
		var current = fs
		reopen := func() vfs.FS {
			if err := current.Close(); err != nil {
				t.Fatal(err)
			}
			var err error
			if current, err = Open(fs.name, Options{MustExist: true, Lock: locked}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = current.Close() })
			return current
		}
		return fs, reopen
	})
}
