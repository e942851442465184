// Package record is LevelDB's log format, which holds the logs and the manifests.
//
// A file is a sequence of blocks of 32 KiB, the last one perhaps shorter. A block is a
// sequence of chunks; where fewer than 7 bytes are left in it, they are zeros:
//
//	chunk  u32 masked CRC32C of type and data | u16 length | u8 type | data
//
// A record is one chunk of type 1 (full), or, where it crosses blocks, one of type 2 (first),
// any number of type 3 (middle) and one of type 4 (last). Numbers are little-endian.
//
//  1. The Encoder is a pure function of the records before: whoever writes what it appended,
//     in order, has a well-formed file.
//  2. The Reader returns only records whose every chunk passes its checksum, and none that
//     stands behind damage.
//  3. The Reader tells what a crash leaves, a record cut off at the end of the file, from
//     damage. What a crash leaves is a prefix of what was appended, perhaps followed by
//     zeros: where a file system had room reserved, behind a record, or where it had made
//     the file longer before it wrote what was to be there, from a sector's beginning on.
//  4. Salvage finds the whole records behind damage, for repair and for people to see.
//
// An Encoder and a Reader are for one goroutine at a time.
package record

import "github.com/varvedb/varve/engine/internal/base"

const (
	blockSize  = 32 << 10
	headerSize = 7

	// sectorSize is what a medium writes at least: of a sector all is there or nothing.
	sectorSize = 512
)

// The types of chunks.
const (
	typeZero   = 0 // of a chunk that was never written
	typeFull   = 1
	typeFirst  = 2
	typeMiddle = 3
	typeLast   = 4
)

func isChunk(kind byte) bool { return kind >= typeFull && kind <= typeLast }

func checksum(kind byte, data []byte) uint32 {
	return base.MaskedCRC(base.ExtendCRC(base.ExtendCRCByte(0, kind), data))
}
