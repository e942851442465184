//go:build js && wasm

package fault

import (
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/idbfs"
)

var (
	stepsFlag  = flag.Int("fault.steps", 20, "steps of the workload in which the fault begins")
	strideFlag = flag.Int("fault.stride", 70, "every how many operations one fails; 1: each")
)

var stores int

// inIndexedDB returns a medium that goes with the test.
func inIndexedDB(t *testing.T) medium {
	stores++
	name := fmt.Sprintf("fault-%d", stores)
	fs, err := idbfs.Open(name, idbfs.Options{MustBeNew: true})
	if err != nil {
		t.Fatal(err)
	}
	var found *idbfs.FS
	t.Cleanup(func() {
		for _, fs := range []*idbfs.FS{fs, found} {
			if fs == nil {
				continue
			}
			if err := fs.Close(); err != nil && !errors.Is(err, vfs.ErrClosed) {
				t.Error(err)
			}
		}
		if err := idbfs.Destroy(name); err != nil {
			t.Error(err)
		}
	})
	return medium{fs, func() (vfs.FS, error) {
		if err := fs.Close(); err != nil {
			return nil, err
		}
		found, err = idbfs.Open(name, idbfs.Options{MustExist: true})
		return found, err
	}}
}

func TestEveryOperationFailsOnce(t *testing.T) {
	failEvery(t, inIndexedDB, length{*stepsFlag, 8, *strideFlag}, false)
}

func TestEveryOperationFailsAndAllThatFollow(t *testing.T) {
	failEvery(t, inIndexedDB, length{*stepsFlag, 8, *strideFlag}, true)
}
