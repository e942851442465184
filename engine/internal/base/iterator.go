package base

// Iterator walks entries in the order of their internal keys.
//
// It is not positioned until one of First, Last, SeekGE or SeekLT was called. The movers
// return whether the iterator stands on an entry. Key and Value may be called only then; what
// they return belongs to the iterator and holds until its next move. When a mover returns
// false, Error tells whether the entries ended (nil) or could not be read; after an error
// the iterator stays invalid until it is positioned anew. An Iterator is for one goroutine.
type Iterator interface {
	First() bool
	Last() bool
	SeekGE(key []byte) bool // to the first entry at or behind key
	SeekLT(key []byte) bool // to the last entry before key
	Next() bool             // requires Valid
	Prev() bool             // requires Valid
	Valid() bool
	Key() []byte // an internal key
	Value() []byte
	Error() error
	Close() error // releases what the iterator pins; further calls do nothing
}
