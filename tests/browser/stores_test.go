//go:build js && wasm

package browser

import (
	"errors"
	"fmt"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/idbfs"
)

// stores numbers the stores, so that each has a name of its own.
type stores struct{ made int }

// open returns the file system of a new store, which goes with the test.
func (s *stores) open(t *testing.T) *idbfs.FS {
	t.Helper()
	s.made++
	name := fmt.Sprintf("%s-%d", t.Name(), s.made)
	fs, err := idbfs.Open(name, idbfs.Options{MustBeNew: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fs.Close(); err != nil && !errors.Is(err, vfs.ErrClosed) {
			t.Error(err)
		}
		if err := idbfs.Destroy(name); err != nil {
			t.Error(err)
		}
	})
	return fs
}
