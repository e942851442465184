package manifest

import (
	"bytes"
	"sync/atomic"

	"github.com/varvedb/varve/engine/internal/base"
)

// Table describes one table file. Its fields do not change once it is in an Edit.
type Table struct {
	Num               base.FileNum
	Size              int64
	Smallest, Largest []byte // internal keys

	// Entries and Tombstones count the table's entries, and those of them that delete. They
	// are not in the manifest: 0 means unknown.
	Entries, Tombstones int64

	// Shadowed counts the entries that have a newer one of the same key in the table; like
	// the other counts it is not in the manifest.
	Shadowed int64

	refs atomic.Int32 // of versions
}

// Overlaps reports whether the table may hold a user key from lower to upper, both inclusive.
// Nil bounds are open.
func (t *Table) Overlaps(lower, upper []byte) bool {
	return (lower == nil || bytes.Compare(base.UserKey(t.Largest), lower) >= 0) &&
		(upper == nil || bytes.Compare(base.UserKey(t.Smallest), upper) <= 0)
}

// sameFile reports whether both describe the same file.
func (t *Table) sameFile(other *Table) bool {
	return t.Num == other.Num && t.Size == other.Size &&
		bytes.Equal(t.Smallest, other.Smallest) && bytes.Equal(t.Largest, other.Largest)
}
