package record

import "encoding/binary"

// Encoder splits records into chunks. The zero value stands at the beginning of a file.
type Encoder struct {
	used int // bytes of the current block
}

// Append appends to dst the bytes that store record, which are to be written next.
func (e *Encoder) Append(dst, record []byte) []byte {
	for first := true; ; first = false {
		left := blockSize - e.used
		if left < headerSize {
			dst = append(dst, make([]byte, left)...)
			e.used, left = 0, blockSize
		}
		data := record[:min(len(record), left-headerSize)]
		record = record[len(data):]
		last := len(record) == 0
		dst = appendChunk(dst, chunkType(first, last), data)
		e.used += headerSize + len(data)
		if last {
			return dst
		}
	}
}

func chunkType(first, last bool) byte {
	switch {
	case first && last:
		return typeFull
	case first:
		return typeFirst
	case last:
		return typeLast
	}
	return typeMiddle
}

func appendChunk(dst []byte, kind byte, data []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, checksum(kind, data))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(data)))
	dst = append(dst, kind)
	return append(dst, data...)
}
