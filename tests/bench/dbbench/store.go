package dbbench

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

	// Seek finds the first key at or behind key, with a new iterator each time.
	Seek(key []byte) (found bool, err error)

	// Scan reads every entry, with one iterator. bytes is the size of the keys and values.
	Scan(reverse bool) (entries, bytes int64, err error)

	// Settle returns when what has been written is compacted.
	Settle() error
}
