package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/golang/snappy"

	"github.com/varvedb/varve/engine/internal/base"
)

const (
	blockTrailerLen = 5 // type and checksum

	blockPlain  = 0
	blockSnappy = 1

	footerLen        = 48
	footerHandlesLen = 40
	footerMagic      = 0xdb4775248b80fb57

	// maxSnappyExpansion: Snappy's densest element gives 64 bytes for 3.
	maxSnappyExpansion = 22
)

// handle says where a block is. Its length is without the block's trailer.
type handle struct {
	offset, length uint64
}

// end returns the offset behind the block's trailer.
func (h handle) end() uint64 { return h.offset + h.length + blockTrailerLen }

func (h handle) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, h.offset)
	return binary.AppendUvarint(dst, h.length)
}

// decodeHandle decodes the handle of a block that must end within the first limit bytes of
// the file. n is the number of bytes it took.
func decodeHandle(data []byte, limit uint64) (h handle, n int, err error) {
	offset, n1 := binary.Uvarint(data)
	if n1 <= 0 {
		return handle{}, 0, errors.New("block handle is cut off")
	}
	length, n2 := binary.Uvarint(data[n1:])
	if n2 <= 0 {
		return handle{}, 0, errors.New("block handle is cut off")
	}
	if offset > limit || length > limit-offset || limit-offset-length < blockTrailerLen {
		return handle{}, 0, fmt.Errorf("block handle (%d, %d) reaches beyond %d", offset, length, limit)
	}
	return handle{offset, length}, n1 + n2, nil
}

func appendFooter(dst []byte, metaindex, index handle) []byte {
	start := len(dst)
	dst = index.append(metaindex.append(dst))
	for len(dst) < start+footerHandlesLen {
		dst = append(dst, 0)
	}
	return binary.LittleEndian.AppendUint64(dst, footerMagic)
}

// decodeFooter decodes the footer of a table whose blocks take the first limit bytes.
func decodeFooter(footer []byte, limit uint64) (metaindex, index handle, err error) {
	if binary.LittleEndian.Uint64(footer[footerHandlesLen:]) != footerMagic {
		return handle{}, handle{}, errors.New("not a table: the magic number is missing")
	}
	metaindex, n, err := decodeHandle(footer[:footerHandlesLen], limit)
	if err != nil {
		return handle{}, handle{}, fmt.Errorf("metaindex: %w", err)
	}
	index, _, err = decodeHandle(footer[n:footerHandlesLen], limit)
	if err != nil {
		return handle{}, handle{}, fmt.Errorf("index: %w", err)
	}
	return metaindex, index, nil
}

func appendTrailer(dst, contents []byte, blockType byte) []byte {
	dst = append(dst, blockType)
	return binary.LittleEndian.AppendUint32(dst, base.Checksum(contents, blockType))
}

// decodeStored checks a stored block with its trailer and returns its contents, in dst if that
// has the capacity, else in a new slice.
func decodeStored(dst, stored []byte) ([]byte, error) {
	n := len(stored) - blockTrailerLen
	contents, blockType := stored[:n], stored[n]
	if binary.LittleEndian.Uint32(stored[n+1:]) != base.Checksum(contents, blockType) {
		return nil, errors.New("checksum mismatch")
	}
	switch blockType {
	case blockPlain:
		return append(dst[:0], contents...), nil
	case blockSnappy:
		return uncompress(dst, contents)
	}
	return nil, fmt.Errorf("unknown block type %d", blockType)
}

func uncompress(dst, compressed []byte) ([]byte, error) {
	n, err := snappy.DecodedLen(compressed)
	if err != nil {
		return nil, err
	}
	if n > maxSnappyExpansion*len(compressed) {
		return nil, fmt.Errorf("%d compressed bytes can't hold %d", len(compressed), n)
	}
	return snappy.Decode(dst[:cap(dst)], compressed)
}
