//go:build js && wasm

package model

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/idbfs"
)

var stores int

// newIndexedDB returns an empty file system in IndexedDB, which goes with the test.
func newIndexedDB(t *testing.T) vfs.FS {
	stores++
	name := fmt.Sprintf("model-%d", stores)
	fs, err := idbfs.Open(name, idbfs.Options{MustBeNew: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fs.Close(); err != nil {
			t.Error(err)
		}
		if err := idbfs.Destroy(name); err != nil {
			t.Error(err)
		}
	})
	return fs
}

func TestRandomProgramsInIndexedDB(t *testing.T) { runRandom(t, 4_000, newIndexedDB) }

func TestKeptPrograms(t *testing.T) { runKept(t, newIndexedDB) }
