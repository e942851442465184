package dbbench

import "errors"

// Store is what the workloads need of a store. The slices passed in are not kept.
type Store interface {
	// Put and Delete write without waiting for the medium.
	Put(key, value []byte) error
	Delete(key []byte) error

	// PutSync returns when the medium has the write.
	PutSync(key, value []byte) error

	// PutAll makes one atomic write of all, as Put does.
	PutAll(keys, values [][]byte) error

	// Get returns the value of key, perhaps in dst.
	Get(dst, key []byte) (value []byte, found bool, err error)

	// NewIterator returns an iterator over all entries, which stands nowhere.
	NewIterator() (Iterator, error)

	// Settle returns when what has been written is compacted.
	Settle() error
}

// Iterator is what the workloads need of an iterator. Moves return whether it stands on an entry;
// its key and value hold until the next move.
type Iterator interface {
	First() bool
	Last() bool
	Next() bool
	Prev() bool
	SeekGE(key []byte) bool
	Key() []byte
	Value() []byte
	Error() error
	Close() error
}

// findFrom finds the first key at or behind key, with a new iterator.
func findFrom(s Store, key []byte) (found bool, err error) {
	it, err := s.NewIterator()
	if err != nil {
		return false, err
	}
	found = it.SeekGE(key)
	return found, errors.Join(it.Error(), it.Close())
}

// readAll reads every entry, with one iterator. bytes is the size of the keys and values.
func readAll(s Store, reverse bool) (entries, bytes int64, err error) {
	it, err := s.NewIterator()
	if err != nil {
		return 0, 0, err
	}
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	for valid := start(); valid; valid = step() {
		entries++
		bytes += int64(len(it.Key()) + len(it.Value()))
	}
	return entries, bytes, errors.Join(it.Error(), it.Close())
}
