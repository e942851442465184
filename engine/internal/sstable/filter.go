package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/bits-and-blooms/bloom/v3"

	"github.com/varvedb/varve/engine/internal/pace"
)

const (
	// filterKey is the filter block's key in the metaindex.
	filterKey = "filter.varve.BloomV3"

	// filterBaseLg makes one filter cover 2 GiB of data blocks: all of a table's.
	filterBaseLg = 31

	filterBlockTrailerLen = 4 + 4 + 1
	maxFilterHashes       = 30

	// keyChunkLen is the size of the pieces in which filterWriter buffers keys.
	keyChunkLen = 32 << 10

	// maxBufferedKey is the length of the longest key that filterWriter keeps as it is. Longer
	// ones are kept hashed, so that the memory for a key is bounded.
	maxBufferedKey = 64
)

// filterWriter collects user keys until their number, and so the filter's size, is known.
type filterWriter struct {
	bitsPerKey int
	count      int
	full       [][]byte // chunks that have no room for another key
	chunk      []byte   // u8 length | key, of the short ones
	locations  []uint64 // the hashes of each long one
}

// add adds a user key, which must differ from all added before.
func (w *filterWriter) add(key []byte) {
	w.count++
	if len(key) > maxBufferedKey {
		w.locations = append(w.locations, bloom.Locations(key, w.hashes())...)
		return
	}
	if len(w.chunk)+1+len(key) > cap(w.chunk) {
		w.full = append(w.full, w.chunk)
		w.chunk = make([]byte, 0, keyChunkLen)
	}
	w.chunk = append(w.chunk, byte(len(key)))
	w.chunk = append(w.chunk, key...)
}

// hashes returns the number of hash functions with the fewest false positives: the bits of a
// key times ln 2.
func (w *filterWriter) hashes() uint {
	return uint(min(max((w.bitsPerKey*69+50)/100, 1), maxFilterHashes))
}

// words returns the size of the filter's bits.
func (w *filterWriter) words() int { return max((w.count*w.bitsPerKey+63)/64, 1) }

// size returns the length that the filter block has now.
func (w *filterWriter) size() int { return 8*w.words() + 1 + filterBlockTrailerLen }

// finish returns the contents of the filter block.
func (w *filterWriter) finish(p *pace.Pacer) []byte {
	words := make([]uint64, w.words())
	bits := uint(64 * len(words))
	filter := bloom.FromWithM(words, bits, w.hashes())
	for _, keys := range append(w.full, w.chunk) {
		for len(keys) > 0 {
			n := 1 + int(keys[0])
			filter.Add(keys[1:n])
			keys = keys[n:]
			p.Did(1)
		}
	}
	for _, location := range w.locations {
		filter.BitSet().Set(uint(location % uint64(bits)))
	}
	contents := make([]byte, 0, w.size())
	for _, word := range words {
		contents = binary.LittleEndian.AppendUint64(contents, word)
	}
	contents = append(contents, byte(w.hashes()))
	end := uint32(len(contents))
	contents = binary.LittleEndian.AppendUint32(contents, 0)
	contents = binary.LittleEndian.AppendUint32(contents, end)
	return append(contents, filterBaseLg)
}

// decodeFilter decodes the contents of a filter block of filterKey.
func decodeFilter(contents []byte) (*bloom.BloomFilter, error) {
	end := len(contents) - filterBlockTrailerLen
	if end < 8+1 || end%8 != 1 {
		return nil, fmt.Errorf("filter block has an impossible length: %d bytes", len(contents))
	}
	if contents[len(contents)-1] != filterBaseLg ||
		binary.LittleEndian.Uint32(contents[end:]) != 0 ||
		uint64(binary.LittleEndian.Uint32(contents[end+4:])) != uint64(end) {
		return nil, errors.New("filter block does not hold one filter")
	}
	hashes := uint(contents[end-1])
	if hashes == 0 || hashes > maxFilterHashes {
		return nil, fmt.Errorf("filter of %d hash functions", hashes)
	}
	words := make([]uint64, end/8)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(contents[8*i:])
	}
	return bloom.FromWithM(words, uint(64*len(words)), hashes), nil
}
