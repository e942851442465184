package record

import (
	"encoding/binary"
	"io"

	"github.com/varvedb/varve/engine/internal/base"
)

// Salvage reads the records of a damaged file. It goes on behind a damaged chunk where the
// chunk's length leads to a good one, else at the next block: a chunk that is found by looking
// at any other place might be part of what a user has stored.
type Salvage struct {
	// Record is called for each record that is whole. data holds during the call. An error ends the reading.
	Record func(from, to int64, data []byte) error

	// Damage is called for each damaged part of the file, in its place among the records. If from
	// is to, nothing was lost.
	Damage func(from, to int64, reason string)
}

// Read reads a file of that size. It returns the offset at which the file ends within a record, as
// a crash leaves it; -1 if it doesn't. It fails with what Record failed with, or if file gave up.
func (s Salvage) Read(file io.ReaderAt, size int64) (torn int64, err error) {
	w := &salvageWalk{Salvage: s, damageFrom: -1, zerosFrom: -1, tornAt: -1}
	buf := make([]byte, min(blockSize, size))
	for start := int64(0); start < size; start += blockSize {
		block := buf[:min(blockSize, size-start)]
		n, err := file.ReadAt(block, start)
		if n < len(block) && (err == nil || err == io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		switch {
		case n == len(block):
			err = w.block(block, start)
		case base.Unreadable(err):
			w.damaged(start, err.Error())
			err = nil
		}
		if err != nil {
			return -1, err
		}
	}
	return w.end(size), nil
}

// salvageWalk is the state of a Salvage between the chunks. Offsets that are unset are -1.
type salvageWalk struct {
	Salvage

	joining bool // a record of several chunks, which begins at start
	start   int64
	joined  []byte

	damageFrom int64 // damage that has no end yet
	reason     string
	zerosFrom  int64  // bytes that were never written, as it seems
	ifMore     string // why what is there from zerosFrom on is lost, if more follows
	tornAt     int64
}

// block takes the chunks of a block, which is shorter than others at the end of the file.
func (w *salvageWalk) block(block []byte, start int64) error {
	isCut := len(block) < blockSize
	pos := 0
	for len(block)-pos >= headerSize {
		rest := block[pos:]
		at := start + int64(pos)
		claimed := headerSize + int(binary.LittleEndian.Uint16(rest[4:]))
		if n := goodChunk(rest); n >= 0 {
			if headerSize+n != claimed {
				w.Damage(at, at, wrongLength(n, claimed-headerSize))
			}
			pos += headerSize + n
			if err := w.take(rest[6], rest[headerSize:][:n], at, start+int64(pos)); err != nil {
				return err
			}
			continue
		}
		switch {
		case allZeros(rest):
			w.pause(at, "zeros, though records follow")
			return nil
		case endsInZeros(rest, at):
			w.pause(at, "checksum mismatch")
			return nil
		case isCut && claimed > len(rest) && claimed <= blockSize-pos && isChunk(rest[6]):
			w.tornAt = w.broken(at)
			return nil
		}
		w.damaged(at, "checksum mismatch")
		if claimed > len(rest) || goodChunk(rest[claimed:]) < 0 {
			return nil
		}
		pos += claimed
	}
	if isCut && pos < len(block) && blockSize-pos >= headerSize {
		w.tornAt = w.broken(start + int64(pos))
	}
	return nil
}

// take goes on with a good chunk.
func (w *salvageWalk) take(kind byte, data []byte, from, to int64) error {
	w.unpause()
	begins := kind == typeFull || kind == typeFirst
	switch {
	case begins && w.joining:
		w.damaged(from, "record without its end")
	case !begins && !w.joining:
		w.damaged(from, "part of a record without its beginning")
		return nil
	}
	if begins {
		w.joining, w.start, w.joined = true, from, w.joined[:0]
	}
	w.joined = append(w.joined, data...)
	if kind != typeFull && kind != typeLast {
		return nil
	}
	w.joining = false
	w.endDamage(w.start)
	return w.Record(w.start, to, w.joined)
}

// broken gives up the record that is being joined, and returns where what is lost begins.
func (w *salvageWalk) broken(at int64) int64 {
	if w.joining {
		w.joining = false
		return w.start
	}
	return at
}

func (w *salvageWalk) damaged(at int64, reason string) {
	at = w.broken(at)
	w.unpause()
	if w.damageFrom < 0 {
		w.damageFrom, w.reason = at, reason
	}
}

func (w *salvageWalk) endDamage(to int64) {
	if w.damageFrom >= 0 {
		w.Damage(w.damageFrom, to, w.reason)
		w.damageFrom = -1
	}
}

// pause notes that the rest of the block is zeros, perhaps from within a chunk on: the end, if
// nothing follows. Else ifMore is what is wrong with it.
func (w *salvageWalk) pause(at int64, ifMore string) {
	at = w.broken(at)
	if w.zerosFrom < 0 {
		w.zerosFrom, w.ifMore = at, ifMore
	}
}

// unpause notes that something follows the zeros, if there were any.
func (w *salvageWalk) unpause() {
	if from := w.zerosFrom; from >= 0 {
		w.zerosFrom = -1
		w.damaged(from, w.ifMore)
	}
}

// end returns where the file is torn, if it is.
func (w *salvageWalk) end(size int64) (torn int64) {
	switch {
	case w.damageFrom >= 0:
		w.endDamage(size)
		return -1
	case w.zerosFrom >= 0:
		return w.zerosFrom
	case w.joining:
		return w.start
	}
	return w.tornAt
}

// goodChunk returns the length of the data of the chunk that rest, the rest of a block, begins
// with: as its header has it, or else such that the checksum, which does not cover it, is
// right. -1: there is no good chunk.
func goodChunk(rest []byte) int {
	switch {
	case startsWithChunk(rest):
		return int(binary.LittleEndian.Uint16(rest[4:]))
	case len(rest) < headerSize || !isChunk(rest[6]):
		return -1
	}
	return wholeChunk(binary.LittleEndian.Uint32(rest), rest[6], rest[headerSize:])
}

func allZeros(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
