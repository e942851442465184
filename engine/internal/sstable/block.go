package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/varvedb/varve/engine/internal/base"
)

var errDamagedEntry = errors.New("damaged entry")

// block is the contents of a data, metaindex or index block.
type block struct {
	entries  []byte
	restarts []byte // 4 bytes each
}

// checkBlock reports whether the restarts of a block's contents are in order.
func checkBlock(contents []byte) error {
	if len(contents) < 8 {
		return errors.New("block is too short")
	}
	n := uint64(binary.LittleEndian.Uint32(contents[len(contents)-4:]))
	if n == 0 || n > uint64(len(contents)-4)/4 {
		return errors.New("block has an impossible number of restarts")
	}
	b := newBlock(contents)
	if b.restart(0) != 0 {
		return errors.New("the first restart of a block is not 0")
	}
	for i := 1; i < b.numRestarts(); i++ {
		if b.restart(i) <= b.restart(i-1) || b.restart(i) >= len(b.entries) {
			return errors.New("restarts of a block are out of order")
		}
	}
	return nil
}

// newBlock splits contents that passed checkBlock.
func newBlock(contents []byte) block {
	end := len(contents) - 4
	start := end - 4*int(binary.LittleEndian.Uint32(contents[end:]))
	return block{entries: contents[:start:start], restarts: contents[start:end]}
}

func (b *block) numRestarts() int { return len(b.restarts) / 4 }

func (b *block) restart(i int) int { return int(binary.LittleEndian.Uint32(b.restarts[4*i:])) }

// restartBefore returns the offset of the last restart whose key is before key, or 0.
func (b *block) restartBefore(key []byte) int {
	low, high := 0, b.numRestarts()-1
	for low < high {
		mid := int(uint(low+high+1) / 2)
		offset := b.restart(mid)
		e, ok := decodeEntry(b.entries, offset)
		if !ok || e.shared != 0 || e.value-e.key < base.TrailerLen {
			return offset // where the walk will meet the damage
		}
		if base.Compare(b.entries[e.key:e.value], key) < 0 {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return b.restart(low)
}

// isWhole reports whether the entry at offset shares nothing with the one before.
func (b *block) isWhole(offset int) bool {
	e, ok := decodeEntry(b.entries, offset)
	return ok && e.shared == 0
}

// entry is where the parts of an entry are in its block.
type entry struct {
	shared, key, value, end int // key is the unshared part, up to value
}

// beyond is the end of an entry that can't be decoded.
const beyond = math.MaxInt

// decodeEntry decodes the entry at offset, which is less than the entries' length.
func decodeEntry(entries []byte, offset int) (e entry, ok bool) {
	if p := entries[offset:]; len(p) >= 3 && p[0]|p[1]|p[2] < 0x80 {
		e = shortEntry(p, offset)
	} else {
		e = decodeLongEntry(entries, offset)
	}
	return e, e.end <= len(entries)
}

// shortEntry decodes the entry at offset, whose lengths in p take a byte each. It is small enough
// to be inlined. The entry may end behind the block.
func shortEntry(p []byte, offset int) entry {
	key := offset + 3
	value := key + int(p[1])
	return entry{int(p[0]), key, value, value + int(p[2])}
}

// decodeLongEntry decodes any entry. If that can't be done, it ends beyond every block.
func decodeLongEntry(entries []byte, offset int) entry {
	var lengths [3]int
	for i := range lengths {
		v, n := binary.Uvarint(entries[offset:])
		if n <= 0 || v > math.MaxInt32 {
			return entry{end: beyond}
		}
		lengths[i] = int(v)
		offset += n
	}
	if left := len(entries) - offset; lengths[1] > left || lengths[2] > left-lengths[1] {
		return entry{end: beyond}
	}
	value := offset + lengths[1]
	return entry{lengths[0], offset, value, value + lengths[2]}
}

// forEach calls visit for the entries of a block, whose keys need not be internal keys. key
// and value hold during the call.
func (b *block) forEach(visit func(key, value []byte) error) error {
	var key []byte
	for offset := 0; offset < len(b.entries); {
		e, ok := decodeEntry(b.entries, offset)
		if !ok || e.shared > len(key) {
			return fmt.Errorf("entry at %d of the block: %w", offset, errDamagedEntry)
		}
		key = append(key[:e.shared], b.entries[e.key:e.value]...)
		if err := visit(key, b.entries[e.value:e.end]); err != nil {
			return fmt.Errorf("entry at %d of the block: %w", offset, err)
		}
		offset = e.end
	}
	return nil
}
