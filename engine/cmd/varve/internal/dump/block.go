package dump

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/golang/snappy"

	"github.com/varvedb/varve/engine/internal/base"
)

// The table format, as package sstable describes it.
const (
	footerLen        = 48
	footerHandlesLen = 40
	footerMagic      = 0xdb4775248b80fb57
	blockTrailerLen  = 5

	// maxSnappyExpansion: Snappy's densest element gives 64 bytes for 3.
	maxSnappyExpansion = 22
)

// handle says where in a table a block is.
type handle struct{ offset, length int64 }

func (h handle) String() string { return fmt.Sprintf("at %d, %d bytes", h.offset, h.length) }

// cutHandle takes a handle from the front of data. Its block must be within a file of that size.
func cutHandle(data []byte, size int64) (h handle, rest []byte, err error) {
	offset, n := binary.Uvarint(data)
	if n <= 0 {
		return h, nil, errors.New("block handle is cut off")
	}
	length, m := binary.Uvarint(data[n:])
	if m <= 0 {
		return h, nil, errors.New("block handle is cut off")
	}
	limit := uint64(size - footerLen)
	if offset > limit || length > limit-offset || limit-offset-length < blockTrailerLen {
		return h, nil, fmt.Errorf("block handle (%d, %d) reaches out of the table", offset, length)
	}
	return handle{int64(offset), int64(length)}, data[n+m:], nil
}

// storedBlock is a block whose checksum was right.
type storedBlock struct {
	contents   []byte
	compressed bool
}

// readBlock returns the block at h. damage is what is wrong with it, err why it can't be read.
func (d *dumper) readBlock(h handle) (b storedBlock, damage, err error) {
	if d.blockBytes += h.length + blockTrailerLen; d.blockBytes > d.size {
		return b, errors.New("blocks overlap: together they are longer than the file"), nil
	}
	stored, err := d.read(h.offset, int(h.length+blockTrailerLen))
	if err != nil {
		return b, nil, err
	}
	b.contents = stored[:h.length]
	kind := stored[h.length]
	if binary.LittleEndian.Uint32(stored[h.length+1:]) != base.Checksum(b.contents, kind) {
		return b, errors.New("checksum mismatch"), nil
	}
	switch kind {
	case 0:
		return b, nil, nil
	case 1:
		b.compressed = true
		b.contents, damage = uncompress(b.contents)
		return b, damage, nil
	}
	return b, fmt.Errorf("unknown compression %d", kind), nil
}

func uncompress(stored []byte) ([]byte, error) {
	n, err := snappy.DecodedLen(stored)
	if err != nil {
		return nil, err
	}
	if n > maxSnappyExpansion*len(stored) {
		return nil, fmt.Errorf("%d compressed bytes can't hold %d", len(stored), n)
	}
	return snappy.Decode(nil, stored)
}

// eachEntry calls visit for the entries of a block up to the first that is damaged. key and
// value hold during the call.
func eachEntry(contents []byte, visit func(key, value []byte) error) error {
	const countLen = 4
	if len(contents) < countLen {
		return errors.New("the block is too short for its number of restarts")
	}
	restarts := uint64(binary.LittleEndian.Uint32(contents[len(contents)-countLen:]))
	if restarts == 0 || restarts > uint64(len(contents)-countLen)/4 {
		return fmt.Errorf("the block can't have %d restarts", restarts)
	}
	entries := contents[:len(contents)-countLen-4*int(restarts)]
	var key []byte
	for rest := entries; len(rest) > 0; {
		at := len(entries) - len(rest)
		var lengths [3]uint64 // of the shared and unshared parts of the key, of the value
		for i := range lengths {
			v, n := binary.Uvarint(rest)
			if n <= 0 {
				return fmt.Errorf("entry at %d of the block is cut off", at)
			}
			lengths[i], rest = v, rest[n:]
		}
		shared, unshared, length := lengths[0], lengths[1], lengths[2]
		if shared > uint64(len(key)) || unshared > uint64(len(rest)) || length > uint64(len(rest))-unshared {
			return fmt.Errorf("entry at %d of the block has impossible lengths", at)
		}
		key = append(key[:shared], rest[:unshared]...)
		if err := visit(key, rest[unshared:][:length]); err != nil {
			return fmt.Errorf("entry at %d of the block: %w", at, err)
		}
		rest = rest[unshared+length:]
	}
	return nil
}
