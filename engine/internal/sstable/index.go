package sstable

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/varvedb/varve/engine/internal/base"
)

// maxIndexExpansion bounds what the keys of an index may take in memory, in lengths of the
// index block. Writers share no prefixes in it, but the format allows them to.
const maxIndexExpansion = 8

// index is a table's index block, decoded: where each data block is, and the key that bounds
// it, in two slices without pointers, which cost the garbage collector nothing.
type index struct {
	keys   []byte
	blocks []indexEntry
}

type indexEntry struct {
	offset uint64
	length uint32
	keyEnd uint32 // in index.keys; the key begins at the end of the one before
}

// decodeIndex decodes the contents of an index block whose data blocks lie in the first limit
// bytes of the file. Blocks and keys must be in order.
func decodeIndex(contents []byte, limit uint64) (*index, error) {
	if err := checkBlock(contents); err != nil {
		return nil, err
	}
	b := newBlock(contents)
	x := &index{keys: make([]byte, 0, len(b.entries))}
	x.blocks = make([]indexEntry, 0, b.numRestarts())
	var previousEnd uint64
	err := b.forEach(func(key, value []byte) error {
		h, _, err := decodeHandle(value, limit)
		if err != nil {
			return err
		}
		n := len(x.blocks)
		switch {
		case h.length > math.MaxUint32:
			return fmt.Errorf("data block of %d bytes", h.length)
		case h.offset < previousEnd:
			return errors.New("data blocks overlap")
		case !base.ValidInternalKey(key):
			return errors.New("invalid key in the index")
		case n > 0 && base.Compare(x.key(n-1), key) >= 0:
			return errors.New("keys of the index are out of order")
		case len(x.keys)+len(key) > min(maxIndexExpansion*len(contents), math.MaxInt32):
			return errors.New("keys of the index are too long")
		}
		x.keys = append(x.keys, key...)
		x.blocks = append(x.blocks, indexEntry{h.offset, uint32(h.length), uint32(len(x.keys))})
		previousEnd = h.end()
		return nil
	})
	return x, err
}

func (x *index) len() int { return len(x.blocks) }

func (x *index) handle(i int) handle {
	return handle{x.blocks[i].offset, uint64(x.blocks[i].length)}
}

// key returns the key at or behind all of block i and before all of block i+1.
func (x *index) key(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = x.blocks[i-1].keyEnd
	}
	return x.keys[start:x.blocks[i].keyEnd]
}

// search returns the first block that may hold an entry at or behind key, or len.
func (x *index) search(key []byte) int { return x.searchBetween(0, len(x.blocks), key) }

// searchFrom is search that looks at the blocks from i on, and at the near ones first.
func (x *index) searchFrom(i int, key []byte) int {
	low, high := i, i
	for step := 1; high < len(x.blocks) && base.Compare(x.key(high), key) < 0; step *= 2 {
		low, high = high+1, high+step
	}
	return x.searchBetween(low, min(high, len(x.blocks)), key)
}

// searchBetween is search if the result is from low to high.
func (x *index) searchBetween(low, high int, key []byte) int {
	for low < high {
		mid := int(uint(low+high) / 2)
		if base.Compare(x.key(mid), key) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func (x *index) memorySize() int64 {
	return int64(cap(x.keys)) + int64(cap(x.blocks))*int64(unsafe.Sizeof(indexEntry{}))
}
