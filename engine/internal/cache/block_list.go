package cache

import "github.com/varvedb/varve/engine/internal/base"

// entryOverhead is about what an entry and its place in the index take.
const entryOverhead = 128

// The first entries are not blocks but the ends of two rings, one a segment. A block enters
// probation; used again, it moves to the protected segment, whose least recently used blocks
// fall back to probation when it has more than its share.
const (
	probation = 0
	protected = 1
	segments  = 2
)

// blockList is a segmented LRU list. Entries link by index, so that the garbage collector
// has no pointers to follow but those to the blocks.
type blockList struct {
	capacity int64
	used     [segments]int64 // bytes
	index    map[Key]uint32
	entries  []entry
	free     []uint32 // entries not in use
}

type entry struct {
	key        Key
	block      []byte
	segment    uint32
	prev, next uint32 // in the segment's ring; its end's next is the most recently used
}

func (e *entry) charge() int64 { return int64(cap(e.block)) + entryOverhead }

func (b *blockList) init(capacity int64) {
	b.capacity = capacity
	b.index = make(map[Key]uint32)
	b.entries = []entry{probation: {prev: probation, next: probation}, protected: {prev: protected, next: protected}}
}

func (b *blockList) bytes() int64 { return b.used[probation] + b.used[protected] }

// get returns a block; used says whether that counts as a use.
func (b *blockList) get(k Key, used bool) ([]byte, bool) {
	i, ok := b.index[k]
	if !ok {
		return nil, false
	}
	if used {
		b.promote(i)
	}
	return b.entries[i].block, true
}

func (b *blockList) promote(i uint32) {
	if b.entries[protected].next == i {
		return
	}
	b.unlink(i)
	b.link(i, protected)
	for b.used[protected] > b.capacity/5*4 {
		oldest := b.entries[protected].prev
		b.unlink(oldest)
		b.link(oldest, probation)
	}
}

// add adds a block that is not there, unless it alone exceeds the capacity.
func (b *blockList) add(k Key, block []byte) {
	e := entry{key: k, block: block}
	if e.charge() > b.capacity {
		return
	}
	for b.bytes()+e.charge() > b.capacity {
		b.removeOldest()
	}
	var i uint32
	if n := len(b.free); n > 0 {
		i, b.free = b.free[n-1], b.free[:n-1]
		b.entries[i] = e
	} else {
		i = uint32(len(b.entries))
		b.entries = append(b.entries, e)
	}
	b.index[k] = i
	b.link(i, probation)
}

func (b *blockList) removeOldest() {
	oldest := b.entries[probation].prev
	if oldest == probation {
		oldest = b.entries[protected].prev
	}
	b.remove(oldest)
}

func (b *blockList) removeFile(num base.FileNum) {
	for k, i := range b.index {
		if k.File == num {
			b.remove(i)
		}
	}
}

func (b *blockList) remove(i uint32) {
	b.unlink(i)
	delete(b.index, b.entries[i].key)
	b.entries[i].block = nil
	b.free = append(b.free, i)
}

// link makes i the most recently used entry of a segment.
func (b *blockList) link(i, segment uint32) {
	e, end := &b.entries[i], &b.entries[segment]
	e.segment, e.prev, e.next = segment, segment, end.next
	b.entries[end.next].prev = i
	end.next = i
	b.used[segment] += e.charge()
}

func (b *blockList) unlink(i uint32) {
	e := &b.entries[i]
	b.entries[e.prev].next = e.next
	b.entries[e.next].prev = e.prev
	b.used[e.segment] -= e.charge()
}
