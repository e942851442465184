//go:build js && wasm

package idbfs

import (
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// Usage tells what the store takes of the browser's storage: its files, those that wait to be
// deleted, and the headroom. Browsers tell what the whole origin takes, and only about.
func (fs *FS) Usage() vfs.Usage {
	u := vfs.Usage{MediumUsed: -1, MediumSize: -1}
	if used, granted, ok := originSpace(); ok {
		u.MediumUsed, u.MediumSize = used, granted
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	u.Stored = fs.stored()
	return u
}

// stored returns how many bytes the records take. FS.mu is held.
func (fs *FS) stored() int64 {
	n := fs.headroom.pieces * pieceSize
	for _, f := range fs.files {
		n += f.committed.size
		if f.committed.records > 0 {
			n -= f.dropped * f.committed.size / f.committed.records
		}
	}
	return n
}

// originSpace gives the browser's estimate of what the origin takes and may take.
func originSpace() (used, granted int64, ok bool) {
	estimate := estimateSpace()
	if !estimate.Truthy() || estimate.Get("quota").Type() != js.TypeNumber || estimate.Get("usage").Type() != js.TypeNumber {
		return 0, 0, false
	}
	return int64(estimate.Get("usage").Float()), int64(estimate.Get("quota").Float()), true
}

// databaseSpace gives the browser's estimate of what the origin's databases take. Chromium tells.
func databaseSpace() (used int64, ok bool) {
	estimate := estimateSpace()
	if !estimate.Truthy() || !estimate.Get("usageDetails").Truthy() {
		return 0, false
	}
	databases := estimate.Get("usageDetails").Get("indexedDB")
	if databases.Type() != js.TypeNumber {
		return 0, false
	}
	return int64(databases.Float()), true
}

// estimateSpace returns what the browser estimates, or a value that is not truthy.
func estimateSpace() js.Value {
	storage := js.Global().Get("navigator").Get("storage")
	if !storage.Truthy() || !storage.Get("estimate").Truthy() {
		return js.Undefined()
	}
	estimate, err := await(storage.Call("estimate"))
	if err != nil {
		return js.Undefined()
	}
	return estimate
}

// noSpace returns the error of a refused writing. What browsers estimate to be left is not
// always what they grant, and is told only if it agrees with the refusal.
func noSpace(wanted int64) error {
	available := int64(-1)
	if used, granted, ok := originSpace(); ok && granted-used < wanted {
		available = max(0, granted-used)
	}
	return &vfs.NoSpaceError{Wanted: wanted, Available: available}
}
