//go:build !js

package fault

import (
	"flag"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

var (
	stepsFlag  = flag.Int("fault.steps", 60, "steps of the workload in which the fault begins")
	strideFlag = flag.Int("fault.stride", 3, "every how many operations one fails; 1: each")
)

// inMemory returns a medium that ends by a loss of power.
func inMemory(*testing.T) medium {
	fs := memfs.New()
	return medium{fs, func() (vfs.FS, error) { return fs.Crash(memfs.Keep{PowerLoss: true}), nil }}
}

func TestEveryOperationFailsOnce(t *testing.T) {
	failEvery(t, inMemory, length{*stepsFlag, 25, *strideFlag}, false)
}

func TestEveryOperationFailsAndAllThatFollow(t *testing.T) {
	failEvery(t, inMemory, length{*stepsFlag, 25, *strideFlag}, true)
}
