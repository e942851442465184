package engine

// reserver is a file system that keeps some space back, so that a full store can be emptied: what
// is deleted and compacted must be written first.
type reserver interface {
	// Low reports whether space has run short, so that Admit may refuse. It does not wait.
	Low() bool

	// Admit fails with vfs.ErrNoSpace if n bytes that callers add should not be written now.
	Admit(n int64) error
}

// admit fails if b adds to the store while the file system keeps its space for deletes.
func (db *DB) admit(b *Batch) error {
	if !db.shortOfSpaceFor(b) {
		return nil
	}
	return db.reserve.Admit(int64(len(b.data)))
}

func (db *DB) shortOfSpaceFor(b *Batch) bool { return b.puts && db.ShortOfSpace() }

// ShortOfSpace reports whether the file system keeps its space for deletes now, so that batches
// that add to the store may be refused.
func (db *DB) ShortOfSpace() bool { return db.reserve != nil && db.reserve.Low() }
