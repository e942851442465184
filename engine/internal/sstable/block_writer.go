package sstable

import (
	"encoding/binary"
	"math/bits"
)

// blockWriter builds the contents of a block.
type blockWriter struct {
	restartInterval int

	buf      []byte
	restarts []uint32
	count    int    // entries since the last restart
	last     []byte // the key added last, in this block or in the one before
}

// add appends an entry. Keys must be added in order.
func (w *blockWriter) add(key, value []byte) {
	shared := 0
	if w.count%w.restartInterval == 0 {
		w.restarts = append(w.restarts, uint32(len(w.buf)))
		w.count = 0
	} else {
		shared = sharedLen(w.last, key)
	}
	w.count++
	w.buf = appendLengths(w.buf, shared, len(key)-shared, len(value))
	w.buf = append(w.buf, key[shared:]...)
	w.buf = append(w.buf, value...)
	w.last = append(w.last[:shared], key[shared:]...)
}

// empty reports whether no entry was added since the last reset.
func (w *blockWriter) empty() bool { return len(w.buf) == 0 }

// size returns the length that the contents have now.
func (w *blockWriter) size() int { return len(w.buf) + 4*len(w.restarts) + 4 }

// finish returns the contents, which hold until the next call.
func (w *blockWriter) finish() []byte {
	if len(w.restarts) == 0 {
		w.restarts = append(w.restarts, 0)
	}
	for _, offset := range w.restarts {
		w.buf = binary.LittleEndian.AppendUint32(w.buf, offset)
	}
	w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(len(w.restarts)))
	return w.buf
}

// reset begins another block. A buffer that grew beyond keep bytes is given up.
func (w *blockWriter) reset(keep int) {
	if cap(w.buf) > keep {
		w.buf = nil
	}
	w.buf = w.buf[:0]
	w.restarts = w.restarts[:0]
	w.count = 0
}

func appendLengths(dst []byte, shared, unshared, value int) []byte {
	if shared|unshared|value < 0x80 {
		return append(dst, byte(shared), byte(unshared), byte(value))
	}
	dst = binary.AppendUvarint(dst, uint64(shared))
	dst = binary.AppendUvarint(dst, uint64(unshared))
	return binary.AppendUvarint(dst, uint64(value))
}

// sharedLen returns the length of the common prefix of a and b.
func sharedLen(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if diff := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); diff != 0 {
			return i + bits.TrailingZeros64(diff)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
