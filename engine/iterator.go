package engine

import (
	"bytes"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/merge"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/engine/internal/tables"
)

// IterOptions of an iterator. The zero value is the whole store.
type IterOptions struct {
	Lower []byte // the first key to be seen; nil: no bound
	Upper []byte // the first key not to be seen; nil: no bound

	// NoCacheFill keeps what the iterator reads from entering the block cache.
	NoCacheFill bool
}

// PrefixBounds returns the bounds of the keys that begin with prefix. upper is nil if no key
// is behind them all.
func PrefixBounds(prefix []byte) (lower, upper []byte) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			upper = append(bytes.Clone(prefix[:i]), prefix[i]+1)
			break
		}
	}
	return bytes.Clone(prefix), upper
}

// Iterator walks the keys that were there at one moment, in their order.
//
// It stands nowhere until First, Last, SeekGE or SeekLT is called. The movers return whether
// it stands on a key; when they return false, Error tells whether the keys ended or could
// not be read. It must be closed. It is for one goroutine at a time.
type Iterator struct {
	db    *DB
	state *readState
	inner base.Iterator
	mode  sstable.Mode // of what inner reads
	lower []byte
	upper []byte
	seq   base.Seq

	valid bool
	err   error

	// Going forward, inner stands on the entry that is shown. Going backward, it stands before
	// all entries of the key shown, whose value had to be saved.
	reverse bool
	key     []byte
	value   []byte
	seekKey []byte
}

// NewIterator returns an iterator over what is there now. It never waits.
func (db *DB) NewIterator(o IterOptions) (*Iterator, error) { return db.newIteratorAt(newest, o) }

func (db *DB) newIteratorAt(seq base.Seq, o IterOptions) (*Iterator, error) {
	if err := checkBounds(o.Lower, o.Upper); err != nil {
		return nil, err
	}
	if db.isClosing() {
		return nil, ErrClosed
	}
	s, visible := db.acquire()
	it := &Iterator{
		db: db, state: s, seq: min(seq, visible),
		lower: bytes.Clone(o.Lower), upper: bytes.Clone(o.Upper),
	}
	it.inner = merge.New(it.inputs(!o.NoCacheFill)...)
	db.iterators.Add(1)
	return it, nil
}

// Try says whether the moves to come must not wait: one that would have to fails with ErrWouldWait
// and leaves the iterator nowhere. Without it they may wait.
func (it *Iterator) Try(try bool) {
	it.mode = sstable.Wait
	if try {
		it.mode = sstable.Try
	}
}

// inputs returns the iterators over all that may have keys within the bounds.
func (it *Iterator) inputs(fill bool) []base.Iterator {
	all := make([]base.Iterator, 0, len(it.state.memtables)+len(it.state.levels))
	for _, m := range it.state.memtables {
		if !m.Empty() {
			all = append(all, m.NewIterator())
		}
	}
	for _, level := range it.state.levels {
		if clipped := tables.Clip(level, it.lower, it.upper); len(clipped) > 0 {
			input := it.db.tables.NewLevelIterator(clipped, fill)
			input.Obey(&it.mode)
			all = append(all, input)
		}
	}
	return all
}

// checkBounds refuses a range whose upper bound lies before its lower one.
func checkBounds(lower, upper []byte) error {
	if lower != nil && upper != nil && bytes.Compare(lower, upper) > 0 {
		return fmt.Errorf("%w: lower bound %q lies behind upper bound %q", ErrInvalidArgument, lower, upper)
	}
	return nil
}

// First moves to the first key.
func (it *Iterator) First() bool {
	if it.lower != nil {
		return it.SeekGE(it.lower)
	}
	return it.begin() && it.forward(it.inner.First())
}

// Last moves to the last key.
func (it *Iterator) Last() bool {
	if it.upper != nil {
		return it.SeekLT(it.upper)
	}
	return it.begin() && it.backward(it.inner.Last())
}

// SeekGE moves to the first key at or behind key.
func (it *Iterator) SeekGE(key []byte) bool {
	if it.lower != nil && bytes.Compare(key, it.lower) < 0 {
		key = it.lower
	}
	it.seekKey = base.AppendInternalKey(it.seekKey[:0], key, it.seq, base.KindSeek)
	return it.begin() && it.forward(it.inner.SeekGE(it.seekKey))
}

// SeekLT moves to the last key before key.
func (it *Iterator) SeekLT(key []byte) bool {
	if it.upper != nil && bytes.Compare(key, it.upper) > 0 {
		key = it.upper
	}
	it.seekKey = base.AppendInternalKey(it.seekKey[:0], key, base.MaxSeq, base.KindSeek)
	return it.begin() && it.backward(it.inner.SeekLT(it.seekKey))
}

// begin makes ready for a new position.
func (it *Iterator) begin() bool {
	it.valid = false
	switch {
	case it.state == nil:
		it.err = fmt.Errorf("iterator: %w", ErrClosed)
	case it.db.isClosing():
		it.err = ErrClosed
	default:
		it.err = nil
	}
	return it.err == nil
}

// Next moves to the next key. It returns false if the iterator stands nowhere.
func (it *Iterator) Next() bool {
	if !it.valid || !it.begin() {
		return false
	}
	if it.reverse {
		// inner stands before the key that is shown, or nowhere.
		it.seekKey = base.AppendInternalKey(it.seekKey[:0], it.key, 0, base.KindDelete)
		return it.forward(it.inner.SeekGE(it.seekKey) && (base.Compare(it.inner.Key(), it.seekKey) != 0 || it.inner.Next()))
	}
	it.key = append(it.key[:0], base.UserKey(it.inner.Key())...)
	return it.forward(it.passKey())
}

// passKey moves inner behind the entries of it.key.
func (it *Iterator) passKey() bool {
	for it.inner.Next() {
		if !bytes.Equal(base.UserKey(it.inner.Key()), it.key) {
			return true
		}
	}
	return false
}

// forward finds the first key to be shown at or behind inner's position.
func (it *Iterator) forward(more bool) bool {
	it.reverse = false
	for more {
		internal := it.inner.Key()
		user, trailer := base.UserKey(internal), base.TrailerOf(internal)
		if it.upper != nil && bytes.Compare(user, it.upper) >= 0 {
			return false
		}
		switch {
		case trailer.Seq() > it.seq:
			more = it.inner.Next()
		case trailer.Kind() == base.KindDelete:
			it.key = append(it.key[:0], user...)
			more = it.passKey()
		default:
			it.valid = true
			return true
		}
	}
	it.err = it.inner.Error()
	return false
}

// Prev moves to the key before. It returns false if the iterator stands nowhere.
func (it *Iterator) Prev() bool {
	if !it.valid || !it.begin() {
		return false
	}
	if it.reverse {
		return it.backward(it.inner.Valid())
	}
	it.key = append(it.key[:0], base.UserKey(it.inner.Key())...)
	for it.inner.Prev() {
		if !bytes.Equal(base.UserKey(it.inner.Key()), it.key) {
			return it.backward(true)
		}
	}
	return it.backward(false)
}

// backward finds the last key to be shown at or before inner's position, which is on the
// oldest entry of a key. A key's newest visible entry is the last that is met.
func (it *Iterator) backward(more bool) bool {
	it.reverse = true
	found := false
	for more {
		internal := it.inner.Key()
		user, trailer := base.UserKey(internal), base.TrailerOf(internal)
		if found && !bytes.Equal(user, it.key) {
			break
		}
		if it.lower != nil && bytes.Compare(user, it.lower) < 0 {
			break
		}
		if trailer.Seq() <= it.seq {
			found = trailer.Kind() == base.KindPut
			if found {
				it.key = append(it.key[:0], user...)
				it.value = append(it.value[:0], it.inner.Value()...)
			}
		}
		more = it.inner.Prev()
	}
	if it.err = it.inner.Error(); it.err != nil {
		return false
	}
	it.valid = found
	return found
}

// Valid reports whether the iterator stands on a key.
func (it *Iterator) Valid() bool { return it.valid }

// Key returns the current key. It belongs to the iterator and holds until its next move.
func (it *Iterator) Key() []byte {
	if it.reverse {
		return it.key
	}
	return base.UserKey(it.inner.Key())
}

// Value returns the current value. It belongs to the iterator and holds until its next move.
func (it *Iterator) Value() []byte {
	if it.reverse {
		return it.value
	}
	return it.inner.Value()
}

// Error returns why the last move failed, or nil if the keys ended.
func (it *Iterator) Error() error { return it.err }

// Close releases what the iterator pins. Further calls do nothing.
func (it *Iterator) Close() error {
	if it.state == nil {
		return nil
	}
	it.valid = false
	err := it.inner.Close()
	it.state.unref()
	it.state = nil
	it.db.iterators.Add(-1)
	return err
}
