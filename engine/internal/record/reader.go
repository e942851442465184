package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// ErrTorn says that the file ends within a record, as a crash leaves it.
var ErrTorn = errors.New("record: file ends within a record")

// Reader reads a file's records in order. It holds one block and one record at a time.
type Reader struct {
	file io.ReaderAt
	size int64
	name string

	block      []byte // what the file has of one block
	blockStart int64  // its offset; -1: none was read
	pos        int64  // of the next chunk
	good       int64  // end of the last whole record
	joined     []byte // a record of several chunks
	err        error  // of the last Next, once it failed
}

// NewReader makes a reader of a file of that size; name is what errors call it.
func NewReader(file io.ReaderAt, size int64, name string) *Reader {
	return &Reader{file: file, size: size, name: name, blockStart: -1}
}

// Offset returns where the last record ended that Next returned, 0 before the first.
func (r *Reader) Offset() int64 { return r.good }

// Next returns the next record; the slice holds until the next call. It fails with io.EOF at
// the end of the records, ErrTorn if the file ends within one as a crash leaves it, a
// *base.CorruptionError if the file is damaged, or what reading the file failed with. After
// that it fails with the same error again.
func (r *Reader) Next() ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	record, err := r.readRecord()
	if err != nil {
		r.err = err
		return nil, err
	}
	r.good = r.pos
	return record, nil
}

func (r *Reader) readRecord() ([]byte, error) {
	r.joined = r.joined[:0]
	for joining := false; ; joining = true {
		start := r.pos
		kind, data, err := r.readChunk()
		switch {
		case err == io.EOF && joining:
			return nil, ErrTorn
		case err != nil:
			return nil, err
		case joining != (kind == typeMiddle || kind == typeLast):
			return nil, base.Corruption(r.name, start, "%s", misplaced(kind))
		case kind == typeFull:
			return data, nil
		}
		r.join(data)
		if kind == typeLast {
			return r.joined, nil
		}
	}
}

// join adds data to the joined record, whose memory never exceeds the file's size.
func (r *Reader) join(data []byte) {
	if need := len(r.joined) + len(data); need > cap(r.joined) {
		grown := make([]byte, len(r.joined), min(int64(2*need), r.size))
		copy(grown, r.joined)
		r.joined = grown
	}
	r.joined = append(r.joined, data...)
}

func misplaced(kind byte) string {
	switch kind {
	case typeFull:
		return "full record within another"
	case typeFirst:
		return "first part of a record within another"
	case typeMiddle:
		return "middle part of a record without its first"
	}
	return "last part of a record without its first"
}

// readChunk returns the chunk at r.pos and moves behind it.
func (r *Reader) readChunk() (kind byte, data []byte, err error) {
	if left := blockSize - r.pos%blockSize; left < headerSize {
		if r.size > r.pos && r.size < r.pos+left {
			return 0, nil, ErrTorn
		}
		r.pos = min(r.pos+left, r.size)
	}
	if r.pos == r.size {
		return 0, nil, io.EOF
	}
	if err := r.readBlock(r.pos - r.pos%blockSize); err != nil {
		return 0, nil, err
	}
	rest := r.block[r.pos-r.blockStart:]
	if len(rest) < headerSize {
		return 0, nil, ErrTorn
	}
	kind, data, err = r.parseChunk(rest)
	if err == nil {
		r.pos += int64(headerSize + len(data))
	}
	return kind, data, err
}

// parseChunk checks the chunk at r.pos, given what the file has of its block from there on.
func (r *Reader) parseChunk(rest []byte) (kind byte, data []byte, err error) {
	stored := binary.LittleEndian.Uint32(rest)
	length := int(binary.LittleEndian.Uint16(rest[4:]))
	kind = rest[6]
	data = rest[headerSize:]
	switch {
	case kind == typeZero:
		return 0, nil, r.checkZeroChunk(rest)
	case kind > typeLast:
		return 0, nil, base.Corruption(r.name, r.pos, "unknown chunk type %d", kind)
	case headerSize+length > int(blockSize-r.pos%blockSize):
		return 0, nil, base.Corruption(r.name, r.pos, "chunk of %d bytes crosses its block's end", length)
	case length > len(data):
		if end := wholeChunk(stored, kind, data); end >= 0 {
			return 0, nil, base.Corruption(r.name, r.pos, "%s", wrongLength(end, length))
		}
		return 0, nil, ErrTorn
	case checksum(kind, data[:length]) != stored:
		return 0, nil, r.checkMismatch(rest, length)
	}
	return kind, data[:length:length], nil
}

// checkZeroChunk says what the chunk of type 0 at r.pos is, which rest begins with.
func (r *Reader) checkZeroChunk(rest []byte) error {
	zeros := r.pos
	if endsInZeros(rest, r.pos) {
		zeros += headerSize
	}
	return r.checkZeroTail(zeros, "chunk of type 0, but not all zeros")
}

// checkMismatch says what the chunk at r.pos is, which rest begins with and whose checksum is
// wrong. If its length is what is wrong, the chunk itself was written.
func (r *Reader) checkMismatch(rest []byte, length int) error {
	const reason = "checksum mismatch"
	if !endsInZeros(rest, r.pos) || goodChunk(rest) >= 0 {
		return base.Corruption(r.name, r.pos, reason)
	}
	return r.checkZeroTail(r.pos+int64(headerSize+length), reason)
}

// endsInZeros reports whether a bad chunk at pos may be one of which only the first sectors were
// written: from the beginning of a sector on, which is within the chunk, rest is zeros. rest is
// what the file has of the block from there on.
func endsInZeros(rest []byte, pos int64) bool {
	length := 0
	if kind := rest[6]; isChunk(kind) {
		length = int(binary.LittleEndian.Uint16(rest[4:]))
	} else if kind != typeZero {
		return false
	}
	end := headerSize + length
	written := pos + int64(len(bytes.TrimRight(rest, "\x00")))
	zeros := (written + sectorSize - 1) / sectorSize * sectorSize
	return zeros < pos+int64(end) && end <= int(blockSize-pos%blockSize)
}

// wholeChunk tells a chunk that was cut off from one whose length was damaged, as the
// checksum does not cover it: it looks for a length at which the checksum is right and behind
// which there is nothing, only zeros or another good chunk. It returns -1 if there is none.
func wholeChunk(stored uint32, kind byte, data []byte) int {
	crc := base.ExtendCRCByte(0, kind)
	for i := 0; ; i++ {
		if base.MaskedCRC(crc) == stored && (allZeros(data[i:]) || startsWithChunk(data[i:])) {
			return i
		}
		if i == len(data) {
			return -1
		}
		crc = base.ExtendCRCByte(crc, data[i])
	}
}

func wrongLength(length, claimed int) string {
	return fmt.Sprintf("chunk of %d bytes says it has %d", length, claimed)
}

func startsWithChunk(rest []byte) bool {
	if len(rest) < headerSize || !isChunk(rest[6]) {
		return false
	}
	length := int(binary.LittleEndian.Uint16(rest[4:]))
	return headerSize+length <= len(rest) &&
		checksum(rest[6], rest[headerSize:][:length]) == binary.LittleEndian.Uint32(rest)
}

// checkZeroTail returns ErrTorn if the file has only zeros from offset from on. Else the chunk at
// r.pos is damaged, for that reason.
func (r *Reader) checkZeroTail(from int64, reason string) error {
	for pos := from; pos < r.size; pos = r.blockStart + blockSize {
		if err := r.readBlock(pos - pos%blockSize); err != nil {
			return err
		}
		for i, b := range r.block[pos-r.blockStart:] {
			if b != 0 {
				return base.Corruption(r.name, r.pos, "%s: see %d", reason, pos+int64(i))
			}
		}
	}
	return ErrTorn
}

// readBlock makes r.block the one at start.
func (r *Reader) readBlock(start int64) error {
	if start == r.blockStart {
		return nil
	}
	length := min(blockSize, r.size-start)
	if r.block == nil {
		r.block = make([]byte, length)
	}
	r.block, r.blockStart = r.block[:length], -1
	if n, err := r.file.ReadAt(r.block, start); n < len(r.block) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if errors.Is(err, vfs.ErrDamaged) {
			return base.Corruption(r.name, start+int64(n), "%v", err)
		}
		return fmt.Errorf("read %s at %d: %w", r.name, start+int64(n), err)
	}
	r.blockStart = start
	return nil
}
