//go:build !js

package model

import (
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/vfs/osfs"
)

func newMemFS(t *testing.T) vfs.FS { return memfs.New() }

func newDiskFS(t *testing.T) vfs.FS {
	fs, err := osfs.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestRandomProgramsInMemory(t *testing.T) { runRandom(t, 100_000, newMemFS) }

func TestRandomProgramsOnDisk(t *testing.T) { runRandom(t, 10_000, newDiskFS) }

func TestKeptPrograms(t *testing.T) { runKept(t, newMemFS) }
