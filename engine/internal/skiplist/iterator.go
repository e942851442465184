package skiplist

import "github.com/varvedb/varve/engine/internal/base"

// Iterator walks a List. It sees every entry that was inserted before its move, and perhaps
// some inserted meanwhile. It may be used by value and copied; it needs no closing.
//
// What Key and Value return shares the arena and holds for as long as that is not reused.
type Iterator struct {
	list *List
	node uint32
}

var _ base.Iterator = (*Iterator)(nil)

// Init makes it an unpositioned iterator over l.
func (it *Iterator) Init(l *List) { *it = Iterator{list: l, node: head} }

func (it *Iterator) moveTo(node uint32) bool {
	it.node = node
	return node != head
}

// First moves to the first entry.
func (it *Iterator) First() bool { return it.moveTo(load(it.list.next(head, 0))) }

// Last moves to the last entry.
func (it *Iterator) Last() bool { return it.moveTo(it.list.previous(head)) }

// Next moves to the entry behind.
func (it *Iterator) Next() bool { return it.moveTo(load(it.list.next(it.node, 0))) }

// Prev moves to the entry before.
func (it *Iterator) Prev() bool { return it.moveTo(it.list.previous(it.node)) }

// SeekGE moves to the first entry at or behind an internal key.
func (it *Iterator) SeekGE(key []byte) bool {
	_, node, _ := it.list.search(base.UserKey(key), base.TrailerOf(key))
	return it.moveTo(node)
}

// SeekLT moves to the last entry before an internal key.
func (it *Iterator) SeekLT(key []byte) bool {
	before, after, exact := it.list.search(base.UserKey(key), base.TrailerOf(key))
	if exact {
		before = it.list.previous(after)
	}
	return it.moveTo(before)
}

// Valid reports whether the iterator stands on an entry.
func (it *Iterator) Valid() bool { return it.node != head }

// Key returns the entry's internal key.
func (it *Iterator) Key() []byte { return it.list.key(it.node) }

// Value returns the entry's value.
func (it *Iterator) Value() []byte { return it.list.value(it.node) }

// Error returns nil: memory can be read.
func (it *Iterator) Error() error { return nil }

// Close makes the iterator invalid.
func (it *Iterator) Close() error {
	it.node = head
	return nil
}
