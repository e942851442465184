package sstable

import (
	"bytes"
	"encoding/binary"

	"github.com/golang/snappy"

	"github.com/varvedb/varve/engine/internal/base"
)

// A table whose index can't be read is searched for its blocks. A block has no mark at its
// beginning: its end is where the running checksum is the one that is stored there. Where
// one block ends the next begins, so that only behind damage a beginning has to be guessed,
// from what the first entry of a block looks like.

// search visits the entries of the data blocks that it finds. why says what is wrong with
// the index.
func (s *salvage) search(why string) error {
	data, err := s.readAll()
	if err != nil {
		return err
	}
	end := len(data)
	if end >= footerLen && binary.LittleEndian.Uint64(data[end-8:]) == footerMagic {
		end -= footerLen
	}
	blocks := findBlocks(data[:end])
	if x := s.findIndex(data, blocks); x != nil {
		s.r.index = x
		return s.readIndexed()
	}
	return s.visitFound(data, blocks, why)
}

// readAll returns the file's bytes, with zeros for those that can't be read.
func (s *salvage) readAll() ([]byte, error) {
	data := make([]byte, s.r.file.Size())
	for start := 0; start < len(data); start += minReadAhead {
		var w window
		n := min(minReadAhead, len(data)-start)
		switch err := w.read(s.r, uint64(start), n); {
		case err == nil:
			copy(data[start:], w.buf)
		case !base.Unreadable(err):
			return nil, err
		}
	}
	return data, nil
}

// visitFound visits the entries of those blocks that are data blocks. The filter and what
// follows it stand behind them: what can't be read there is no loss.
func (s *salvage) visitFound(data []byte, blocks []handle, why string) error {
	var end uint64 // of the last data block
	var lower []byte
	behind := uint64(len(data)) // the first block behind the last data block
	for _, h := range blocks {
		contents, ok := s.decodeData(data, h)
		if !ok {
			behind = min(behind, h.offset)
			continue
		}
		if h.offset > end {
			s.lose(Lost{int64(end), int64(h.offset), lower, bytes.Clone(s.block.key), why})
		}
		if err := s.visitBlock(contents); err != nil {
			return err
		}
		end, lower, behind = h.end(), bytes.Clone(s.last), uint64(len(data))
	}
	if end < behind || behind == uint64(len(data)) {
		// If nothing stands behind the data blocks, more of them may have.
		s.lose(Lost{int64(end), int64(behind), lower, nil, why})
	}
	return nil
}

// decodeData returns the contents of the block at h if it holds entries that may follow those
// that were visited.
func (s *salvage) decodeData(data []byte, h handle) ([]byte, bool) {
	contents, err := decodeStored(nil, data[h.offset:h.end()])
	if err != nil || s.check(contents) != nil || !s.block.first() {
		return nil, false
	}
	return contents, true
}

// findIndex returns the index, if that is the last one of the blocks that were found.
func (s *salvage) findIndex(data []byte, blocks []handle) *index {
	if len(blocks) == 0 {
		return nil
	}
	last := blocks[len(blocks)-1]
	contents, err := decodeStored(nil, data[last.offset:last.end()])
	if err != nil {
		return nil
	}
	x, err := decodeIndex(contents, last.offset)
	if err != nil || x.len() == 0 || !s.explains(x, data, blocks[:len(blocks)-1]) {
		return nil
	}
	return x
}

// explains reports whether x names one data block behind the other from the file's beginning
// on, and every data block among those that were found. A data block hardly ever looks like an
// index, but its values are the user's.
func (s *salvage) explains(x *index, data []byte, blocks []handle) bool {
	named := make(map[handle]bool, x.len())
	var end uint64
	for i := range x.len() {
		h := x.handle(i)
		if h.offset != end {
			return false
		}
		named[h] = true
		end = h.end()
	}
	for _, h := range blocks {
		if named[h] {
			continue
		}
		if _, isData := s.decodeData(data, h); isData || h.offset < end {
			return false
		}
	}
	return true
}

const (
	// maxGuess is how far the end of a block is looked for that looks like none of data.
	maxGuess = 1 << 20

	// guessesPerByte bounds the bytes that are looked at for each byte of the file: contents made
	// for it look like the beginning of a block everywhere.
	guessesPerByte = 64
)

// findBlocks returns the blocks in data whose checksums are right.
func findBlocks(data []byte) []handle {
	var found []handle
	follows := true // a block begins at pos if the file is whole there
	budget := guessesPerByte*len(data) + maxGuess
	for pos := 0; pos+blockTrailerLen < len(data) && budget > 0; {
		rest := data[pos:]
		reach := max(plainReach(rest), snappyReach(rest))
		if follows {
			reach = max(reach, maxGuess)
		}
		n, ok := findTrailer(rest, reach)
		if follows = ok; !ok {
			budget -= 1 + min(reach, len(rest))
			pos++
			continue
		}
		h := handle{uint64(pos), uint64(n)}
		found = append(found, h)
		pos = int(h.end())
	}
	return found
}

// findTrailer returns the length, at most reach, of the block at the beginning of data.
func findTrailer(data []byte, reach int) (n int, ok bool) {
	crc := uint32(0)
	for n := range min(reach, len(data)-blockTrailerLen) + 1 {
		if kind := data[n]; n > 0 && kind <= blockSnappy &&
			base.MaskedCRC(base.ExtendCRCByte(crc, kind)) == binary.LittleEndian.Uint32(data[n+1:]) {
			return n, true
		}
		crc = base.ExtendCRCByte(crc, data[n])
	}
	return 0, false
}

// plainReach returns the length that the plain block at the beginning of data has at most;
// 0 if none is there. Entries follow one another up to the restarts.
func plainReach(data []byte) int {
	offset, keyLen, entries := 0, 0, 0
	for offset < len(data) {
		e, ok := decodeEntry(data, offset)
		if !ok || e.shared > keyLen {
			break
		}
		if keyLen = e.shared + e.value - e.key; keyLen < base.TrailerLen {
			break
		}
		offset = e.end
		entries++
	}
	if entries == 0 {
		return 0
	}
	return offset + 4*entries + 4
}

// snappyReach returns the length that the compressed block at the beginning of data has at
// most; 0 if none is there. It begins with a literal, as nothing can be copied yet, and that
// with a 0, the length that the first key shares.
func snappyReach(data []byte) int {
	n, err := snappy.DecodedLen(data)
	if err != nil || n < base.TrailerLen || n > maxSnappyExpansion*len(data) {
		return 0
	}
	_, width := binary.Uvarint(data)
	rest := data[width:]
	if len(rest) == 0 || rest[0]&3 != 0 {
		return 0
	}
	first := 1 + max(0, int(rest[0]>>2)-59)
	if first >= len(rest) || rest[first] != 0 {
		return 0
	}
	return snappy.MaxEncodedLen(n)
}
