package faultfs

import (
	"sync/atomic"

	"github.com/varvedb/varve/vfs"
)

// Full wraps an FS that can run short of space: then it keeps what is left for deletes, as idbfs
// does, and admits nothing that adds to the store.
type Full struct {
	vfs.FS
	Short atomic.Bool
}

// Low reports whether space is short.
func (f *Full) Low() bool { return f.Short.Load() }

// Admit refuses n bytes. It is asked only while space is short.
func (f *Full) Admit(n int64) error { return &vfs.NoSpaceError{Wanted: n, Available: 0} }
