package engine

import (
	"encoding/binary"
	"io"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/vfs"
)

// The log format, as package record describes it.
const (
	recordBlockSize  = 32 << 10
	recordHeaderSize = 7

	recordFull   = 1
	recordFirst  = 2
	recordMiddle = 3
	recordLast   = 4
)

// logSalvage reads the records of a file in the log format, past damaged ones. It goes on behind
// a damaged chunk where the chunk's length leads to a good one, else at the next block: a chunk
// that is found by looking at any other place might be part of what a user has stored.
type logSalvage struct {
	file  vfs.Reader
	visit func(from, to int64, record []byte) error

	lost   []lostRange
	torn   bool // the file ends within a record, at tornAt
	tornAt int64

	joining bool // a record of several chunks, which begins at start
	start   int64
	joined  []byte

	damage  *lostRange // that has no end yet
	zeros   bool       // bytes were never written, as it seems, from zerosAt on
	zerosAt int64
}

type lostRange struct {
	from, to int64
	reason   string
}

// each calls visit for every record that is whole. The record holds during the call.
func (s *logSalvage) each(visit func(from, to int64, record []byte) error) error {
	s.visit = visit
	size := s.file.Size()
	buf := make([]byte, min(recordBlockSize, size))
	for start := int64(0); start < size; start += recordBlockSize {
		block := buf[:min(recordBlockSize, size-start)]
		switch err := s.readBlock(block, start); {
		case err == nil:
			if err := s.eachInBlock(block, start); err != nil {
				return err
			}
		case sstable.Unreadable(err):
			s.damaged(start, err.Error())
		default:
			return err
		}
	}
	s.finish(size)
	return nil
}

func (s *logSalvage) readBlock(block []byte, start int64) error {
	n, err := s.file.ReadAt(block, start)
	if n == len(block) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (s *logSalvage) eachInBlock(block []byte, start int64) error {
	isCut := len(block) < recordBlockSize
	pos := 0
	for len(block)-pos >= recordHeaderSize {
		rest := block[pos:]
		at := start + int64(pos)
		if kind, data, ok := goodChunk(rest); ok {
			pos += recordHeaderSize + len(data)
			if err := s.take(kind, data, at, start+int64(pos)); err != nil {
				return err
			}
			continue
		}
		claimed := recordHeaderSize + int(binary.LittleEndian.Uint16(rest[4:]))
		switch {
		case allZeros(rest):
			s.pause(at)
			return nil
		case isCut && claimed > len(rest) && claimed <= recordBlockSize-pos && isChunkKind(rest[6]):
			s.tear(at)
			return nil
		}
		s.damaged(at, "checksum mismatch")
		if claimed > len(rest) {
			return nil
		}
		if _, _, ok := goodChunk(rest[claimed:]); !ok {
			return nil
		}
		pos += claimed
	}
	if isCut && pos < len(block) && recordBlockSize-pos >= recordHeaderSize {
		s.tear(start + int64(pos))
	}
	return nil
}

// take goes on with a good chunk.
func (s *logSalvage) take(kind byte, data []byte, from, to int64) error {
	if s.zeros {
		s.zeros = false
		s.damaged(s.zerosAt, "zeros, though records follow")
	}
	isFirst := kind == recordFull || kind == recordFirst
	switch {
	case isFirst && s.joining:
		s.damaged(from, "record without its end")
	case !isFirst && !s.joining:
		s.damaged(from, "record without its beginning")
		return nil
	}
	if kind == recordFull {
		return s.deliver(from, to, data)
	}
	if isFirst {
		s.joining, s.start, s.joined = true, from, s.joined[:0]
	}
	s.joined = append(s.joined, data...)
	if kind != recordLast {
		return nil
	}
	s.joining = false
	return s.deliver(s.start, to, s.joined)
}

func (s *logSalvage) deliver(from, to int64, record []byte) error {
	if s.damage != nil {
		s.damage.to = from
		s.lost = append(s.lost, *s.damage)
		s.damage = nil
	}
	return s.visit(from, to, record)
}

// broken gives up the record that is being joined, and returns where what is lost begins.
func (s *logSalvage) broken(at int64) int64 {
	if s.joining {
		s.joining = false
		return s.start
	}
	return at
}

func (s *logSalvage) damaged(at int64, reason string) {
	at = s.broken(at)
	if s.damage == nil {
		s.damage = &lostRange{from: at, reason: reason}
	}
}

// pause notes that the rest of the block is zeros: the end, if no record follows.
func (s *logSalvage) pause(at int64) {
	at = s.broken(at)
	if !s.zeros {
		s.zeros, s.zerosAt = true, at
	}
}

func (s *logSalvage) tear(at int64) { s.torn, s.tornAt = true, s.broken(at) }

func (s *logSalvage) finish(size int64) {
	switch {
	case s.damage != nil:
		s.damage.to = size
		s.lost = append(s.lost, *s.damage)
		s.torn = false
	case s.zeros:
		s.tear(s.zerosAt)
	case s.joining:
		s.tear(s.start)
	}
}

func isChunkKind(kind byte) bool { return kind >= recordFull && kind <= recordLast }

func allZeros(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// goodChunk returns the chunk at the beginning of the rest of a block, if its checksum is
// right. That does not cover the length: if it is wrong, the one is looked for with which the
// checksum is right and another good chunk, or nothing, follows.
func goodChunk(rest []byte) (kind byte, data []byte, ok bool) {
	if kind, data, ok = checkedChunk(rest); ok {
		return kind, data, true
	}
	if len(rest) < recordHeaderSize || !isChunkKind(rest[6]) {
		return 0, nil, false
	}
	stored := binary.LittleEndian.Uint32(rest)
	data = rest[recordHeaderSize:]
	crc := base.ExtendCRCByte(0, rest[6])
	for n := 0; ; n++ {
		if base.MaskedCRC(crc) == stored {
			if _, _, follows := checkedChunk(data[n:]); follows || n == len(data) {
				return rest[6], data[:n], true
			}
		}
		if n == len(data) {
			return 0, nil, false
		}
		crc = base.ExtendCRCByte(crc, data[n])
	}
}

// checkedChunk returns the chunk at the beginning of the rest of a block as its header has it.
func checkedChunk(rest []byte) (kind byte, data []byte, ok bool) {
	if len(rest) < recordHeaderSize {
		return 0, nil, false
	}
	kind = rest[6]
	data = rest[recordHeaderSize:]
	length := int(binary.LittleEndian.Uint16(rest[4:]))
	if !isChunkKind(kind) || length > len(data) {
		return 0, nil, false
	}
	data = data[:length]
	sum := base.MaskedCRC(base.ExtendCRC(base.ExtendCRCByte(0, kind), data))
	return kind, data, sum == binary.LittleEndian.Uint32(rest)
}
