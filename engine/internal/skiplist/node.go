package skiplist

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/varvedb/varve/engine/internal/base"
)

const (
	wordSize   = 4
	headerSize = 4 * wordSize // next[0], back, keyLen, valueLen

	// head is the offset of the node before the first and behind the last.
	head = (maxHeight - 1) * wordSize
)

func (l *List) word(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&l.arena[offset])) }

func (l *List) next(node uint32, level int) *uint32 { return l.word(node - uint32(level)*wordSize) }
func (l *List) back(node uint32) *uint32            { return l.word(node + wordSize) }
func (l *List) keyLen(node uint32) *uint32          { return l.word(node + 2*wordSize) }
func (l *List) valueLen(node uint32) *uint32        { return l.word(node + 3*wordSize) }

func (l *List) key(node uint32) []byte {
	start := node + headerSize
	end := start + *l.keyLen(node)
	return l.arena[start:end:end]
}

func (l *List) value(node uint32) []byte {
	start := node + headerSize + *l.keyLen(node)
	end := start + *l.valueLen(node)
	return l.arena[start:end:end]
}

// compare orders a node's key against (user, trailer).
func (l *List) compare(node uint32, user []byte, trailer base.Trailer) int {
	key := l.key(node)
	if c := bytes.Compare(key[:len(key)-base.TrailerLen], user); c != 0 {
		return c
	}
	switch t := base.TrailerOf(key); {
	case t > trailer:
		return -1
	case t < trailer:
		return +1
	}
	return 0
}

// newNode takes a node from the arena and fills in what lies behind its links.
func (l *List) newNode(height int, user []byte, trailer base.Trailer, value []byte) (uint32, error) {
	tower := uint64(height-1) * wordSize
	size := tower + headerSize + uint64(len(user)) + base.TrailerLen + uint64(len(value))
	size = (size + wordSize - 1) &^ (wordSize - 1)
	start := l.used.Load()
	for {
		if uint64(start)+size > uint64(len(l.arena)) {
			return 0, ErrFull
		}
		if l.used.CompareAndSwap(start, start+uint32(size)) {
			break
		}
		start = l.used.Load()
	}
	node := start + uint32(tower)
	*l.keyLen(node) = uint32(len(user) + base.TrailerLen)
	*l.valueLen(node) = uint32(len(value))
	key := l.key(node)
	copy(key, user)
	binary.LittleEndian.PutUint64(key[len(user):], uint64(trailer))
	copy(l.value(node), value)
	return node, nil
}

func load(word *uint32) uint32 { return atomic.LoadUint32(word) }

func compareAndSwap(word *uint32, old, new uint32) bool {
	return atomic.CompareAndSwapUint32(word, old, new)
}
