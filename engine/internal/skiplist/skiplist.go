// Package skiplist is the memtable's ordered set: a lock-free skiplist of internal keys and
// their values in one arena.
//
// Any number of goroutines may insert and read at once. Nodes are never removed or moved, so
// a reader needs no lock, and what a reader saw it sees for as long as the arena is not reused.
//
//  1. A node's key and value never change once it is linked at level 0, and its key is the
//     only one of that user key and trailer.
//  2. A node linked at level n is linked at every level below n.
//  3. A node's back link names a node before it, and the nearest one when no insert is under
//     way. Whoever follows it walks forward to the nearest.
//  4. The arena holds offsets, no Go pointers: the garbage collector sees one byte slice.
//
// A node in the arena, aligned to 4 bytes; its offset is that of next[0]:
//
//	next[height-1] ... next[1] | next[0] | back | u32 keyLen | u32 valueLen | key | value
//
// where next and back are u32 offsets and key is the internal key, user key and trailer.
// The list is a ring through the head, which stands for the end, too.
package skiplist

import (
	"errors"
	"math"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/varvedb/varve/engine/internal/base"
)

// maxHeight suits lists of 4^maxHeight nodes: each level has a quarter of the one below.
const maxHeight = 12

// MaxNodeSize bounds what a node takes in the arena beyond its user key and its value.
const MaxNodeSize = (maxHeight-1)*wordSize + headerSize + base.TrailerLen + wordSize - 1

// MinCapacity is what an empty list takes: an arena must have that and MaxNodeSize more for
// each entry.
const MinCapacity = head + headerSize + 2*(wordSize-1)

// The errors of Insert.
var (
	ErrFull   = errors.New("skiplist: arena is full")
	ErrExists = errors.New("skiplist: key exists")
)

// List is a set of internal keys with values.
type List struct {
	arena  []byte
	used   atomic.Uint32
	height atomic.Uint32 // of the tallest node, at least 1
	random atomic.Uint64
}

// New makes an empty list in arena, whatever is in it; its length is the list's capacity.
// The list owns arena from then on. It panics if len(arena) < MinCapacity.
func New(arena []byte) *List {
	if len(arena) < MinCapacity {
		panic("skiplist: arena is smaller than MinCapacity")
	}
	if misaligned := uintptr(unsafe.Pointer(unsafe.SliceData(arena))) % wordSize; misaligned != 0 {
		arena = arena[wordSize-misaligned:]
	}
	arena = arena[:min(uint64(len(arena)), math.MaxUint32)&^(wordSize-1)]
	l := &List{arena: arena}
	for level := range maxHeight {
		*l.next(head, level) = head
	}
	*l.back(head) = head
	l.used.Store(head + headerSize)
	l.height.Store(1)
	return l
}

// Size returns how many bytes of the arena are in use.
func (l *List) Size() int { return int(l.used.Load()) }

// Capacity returns how many bytes of the arena can be used.
func (l *List) Capacity() int { return len(l.arena) }

// Empty reports whether nothing was inserted.
func (l *List) Empty() bool { return load(l.next(head, 0)) == head }

// Insert adds an entry; it copies user and value. It fails with ErrFull if the arena has no
// room for it, and with ErrExists if an entry has this very user key and trailer.
//
// s may be nil. A Splice that the caller keeps from one Insert to the next makes inserts in
// ascending order cheap, and those of neighbouring keys cheaper.
func (l *List) Insert(s *Splice, user []byte, trailer base.Trailer, value []byte) error {
	if s == nil {
		s = new(Splice)
	}
	height := l.randomHeight()
	if s.find(l, height, user, trailer) {
		return ErrExists
	}
	node, err := l.newNode(height, user, trailer, value)
	if err != nil {
		return err
	}
	for old := l.height.Load(); old < uint32(height); old = l.height.Load() {
		l.height.CompareAndSwap(old, uint32(height))
	}
	for level := range height {
		if l.link(s, node, level, user, trailer) {
			return ErrExists
		}
		if level == 0 {
			l.advanceBack(s.after[0], s.before[0], node)
		}
		s.before[level] = node
	}
	return nil
}

// link links node at level, between its neighbours in s. It reports whether another goroutine
// has inserted the same key. Where another got in between, the levels of s may nest no more:
// s then starts anew at the next Insert.
func (l *List) link(s *Splice, node uint32, level int, user []byte, trailer base.Trailer) (exists bool) {
	for {
		before, after := s.before[level], s.after[level]
		*l.next(node, level) = after
		if level == 0 {
			*l.back(node) = before
		}
		if compareAndSwap(l.next(before, level), after, node) {
			return false
		}
		s.height = 0
		s.before[level], s.after[level], exists = l.searchLevel(level, before, after, user, trailer)
		if exists {
			return true
		}
	}
}

// advanceBack moves the back link of after forward to node, which was linked before it and
// behind before. It leaves a link that is further forward.
func (l *List) advanceBack(after, before, node uint32) {
	for {
		old := load(l.back(after))
		if old != before && old != head && base.Compare(l.key(old), l.key(node)) >= 0 {
			return
		}
		if compareAndSwap(l.back(after), old, node) {
			return
		}
	}
}

// search finds the neighbours of a key: the first node at or behind it, and, unless that is
// exactly the key, the last node before it.
func (l *List) search(user []byte, trailer base.Trailer) (before, after uint32, exact bool) {
	before, after = head, head
	for level := int(l.height.Load()) - 1; level >= 0 && !exact; level-- {
		before, after, exact = l.searchLevel(level, before, after, user, trailer)
	}
	return before, after, exact
}

// searchLevel finds the neighbours of a key at level: before < key <= after. It starts at
// before; bound is a node of the level that is known to be behind the key, or head.
func (l *List) searchLevel(level int, before, bound uint32, user []byte, trailer base.Trailer) (_, after uint32, exact bool) {
	for {
		after = load(l.next(before, level))
		if after == bound {
			return before, after, false
		}
		if c := l.compare(after, user, trailer); c >= 0 {
			return before, after, c == 0
		}
		before = after
	}
}

// previous returns the node before node; that before head is the last one.
func (l *List) previous(node uint32) uint32 {
	before := load(l.back(node))
	for {
		after := load(l.next(before, 0))
		if after == node {
			return before
		}
		before = after
	}
}

// Find returns the first entry at or behind (user, trailer). Both slices share the arena.
func (l *List) Find(user []byte, trailer base.Trailer) (key, value []byte, ok bool) {
	_, node, _ := l.search(user, trailer)
	if node == head {
		return nil, nil, false
	}
	return l.key(node), l.value(node), true
}

// randomHeight draws from a Weyl sequence, mixed, so that goroutines share one atomic addition.
func (l *List) randomHeight() int {
	x := l.random.Add(0x9e3779b97f4a7c15)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x ^= x >> 27
	const tallest = 1 << (2 * (maxHeight - 1))
	return 1 + bits.TrailingZeros64(x|tallest)/2
}
