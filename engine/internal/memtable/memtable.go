// Package memtable holds the newest writes, in the order of their internal keys, until they
// are flushed to a table.
//
// Any number of goroutines may add and read at once; there is no lock inside.
//
//  1. An entry, once added, is there unchanged for the memtable's life.
//  2. Room that was asked for is there, as long as nobody else adds meanwhile.
//  3. All memory is one arena without Go pointers, which whoever made the memtable may reuse
//     when it has no more users.
package memtable

import (
	"fmt"
	"math"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/skiplist"
)

// EntryOverhead is what an entry takes at most beyond its key and its value.
const EntryOverhead = skiplist.MaxNodeSize

// MaxArenaSize is the length of the longest arena of which all can be used.
const MaxArenaSize = math.MaxUint32

// Splice is what makes adding in ascending order cheap: see skiplist.List.Insert.
type Splice = skiplist.Splice

// Iterator walks a memtable: see skiplist.Iterator.
type Iterator = skiplist.Iterator

// Memtable is an ordered set of writes.
type Memtable struct{ list *skiplist.List }

// New makes an empty memtable in arena, whatever is in it. See ArenaSize.
func New(arena []byte) *Memtable { return &Memtable{list: skiplist.New(arena)} }

// ArenaSize returns the length of an arena that surely holds so many entries with so many
// bytes of keys and values together.
func ArenaSize(entries, bytes int) int {
	return skiplist.MinCapacity + entries*EntryOverhead + bytes
}

// Room reports whether so many entries with so many bytes of keys and values surely fit in.
func (m *Memtable) Room(entries, bytes int) bool {
	return entries*EntryOverhead+bytes <= m.Capacity()-m.Size()
}

// Add adds an entry, copying key and value. s may be nil. It fails with skiplist.ErrFull if
// the arena is full, with skiplist.ErrExists if seq was used for this key and kind before.
func (m *Memtable) Add(s *Splice, seq base.Seq, kind base.Kind, key, value []byte) error {
	if err := m.list.Insert(s, key, base.MakeTrailer(seq, kind), value); err != nil {
		return fmt.Errorf("add entry %d to memtable: %w", seq, err)
	}
	return nil
}

// Get returns the newest entry of key whose sequence number is at most seq. The value shares
// the arena.
func (m *Memtable) Get(key []byte, seq base.Seq) (value []byte, kind base.Kind, found bool) {
	internal, value, ok := m.list.Find(key, base.MakeTrailer(seq, base.KindSeek))
	return entryOf(key, internal, value, ok)
}

// Finger finds keys that come in ascending order. It is for one goroutine.
type Finger struct{ finger skiplist.Finger }

// NewFinger returns a finger before all of the memtable's keys.
func (m *Memtable) NewFinger() Finger {
	var f Finger
	f.finger.Reset(m.list)
	return f
}

// Get is Memtable.Get. The key must not be before that of the call before, and seq the same.
func (f *Finger) Get(key []byte, seq base.Seq) (value []byte, kind base.Kind, found bool) {
	internal, value, ok := f.finger.Find(key, base.MakeTrailer(seq, base.KindSeek))
	return entryOf(key, internal, value, ok)
}

// entryOf returns what was found at or behind key, if that is an entry of it.
func entryOf(key, internal, value []byte, ok bool) (_ []byte, kind base.Kind, found bool) {
	if !ok || string(base.UserKey(internal)) != string(key) {
		return nil, 0, false
	}
	return value, base.TrailerOf(internal).Kind(), true
}

// NewIterator returns an unpositioned iterator.
func (m *Memtable) NewIterator() *Iterator {
	it := new(Iterator)
	it.Init(m.list)
	return it
}

// Size returns how many bytes of the arena are in use.
func (m *Memtable) Size() int { return m.list.Size() }

// Capacity returns how many bytes of the arena can be used.
func (m *Memtable) Capacity() int { return m.list.Capacity() }

// Empty reports whether nothing was added.
func (m *Memtable) Empty() bool { return m.list.Empty() }
