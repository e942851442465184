package base

import (
	"bytes"
	"encoding/binary"
)

// Seq is a sequence number: the order in which writes were made. It has 56 bits.
type Seq uint64

// MaxSeq is the largest sequence number. A search for it finds the newest entry.
const MaxSeq Seq = 1<<56 - 1

// Kind says what an entry does to its key.
type Kind uint8

// The kinds of LevelDB's format.
const (
	KindDelete Kind = 0
	KindPut    Kind = 1

	// KindSeek is the kind in a search key: among the entries of one sequence number it
	// sorts before, or equal to, all.
	KindSeek = KindPut
)

// TrailerLen is the number of bytes an internal key has behind the user key.
const TrailerLen = 8

// Trailer packs a sequence number and a kind.
type Trailer uint64

// MakeTrailer packs seq and kind.
func MakeTrailer(seq Seq, kind Kind) Trailer { return Trailer(seq)<<8 | Trailer(kind) }

// Seq returns the sequence number.
func (t Trailer) Seq() Seq { return Seq(t >> 8) }

// Kind returns the kind.
func (t Trailer) Kind() Kind { return Kind(t & 0xff) }

// AppendInternalKey appends the internal key of (user, seq, kind) to dst.
func AppendInternalKey(dst, user []byte, seq Seq, kind Kind) []byte {
	dst = append(dst, user...)
	return binary.LittleEndian.AppendUint64(dst, uint64(MakeTrailer(seq, kind)))
}

// ValidInternalKey reports whether key is long enough and of a known kind.
func ValidInternalKey(key []byte) bool {
	return len(key) >= TrailerLen && TrailerOf(key).Kind() <= KindPut
}

// UserKey returns the user key of an internal key, sharing its bytes.
func UserKey(key []byte) []byte { return key[: len(key)-TrailerLen : len(key)-TrailerLen] }

// TrailerOf returns the trailer of an internal key.
func TrailerOf(key []byte) Trailer {
	return Trailer(binary.LittleEndian.Uint64(key[len(key)-TrailerLen:]))
}

// Compare orders internal keys: user keys upwards, and within one user key the newest first.
func Compare(a, b []byte) int {
	if c := bytes.Compare(a[:len(a)-TrailerLen], b[:len(b)-TrailerLen]); c != 0 {
		return c
	}
	ta, tb := TrailerOf(a), TrailerOf(b)
	switch {
	case ta > tb:
		return -1
	case ta < tb:
		return +1
	}
	return 0
}

// AppendSeparator appends to dst a short internal key k with a <= k < b, for an index entry
// between two blocks. It is LevelDB's FindShortestSeparator. a < b must hold.
func AppendSeparator(dst, a, b []byte) []byte {
	ua, ub := UserKey(a), UserKey(b)
	shared := 0
	for shared < min(len(ua), len(ub)) && ua[shared] == ub[shared] {
		shared++
	}
	if shared < len(ua) && shared < len(ub) && ua[shared] < 0xff && ua[shared]+1 < ub[shared] && shared+1 < len(ua) {
		dst = append(dst, ua[:shared]...)
		dst = append(dst, ua[shared]+1)
		return binary.LittleEndian.AppendUint64(dst, uint64(MakeTrailer(MaxSeq, KindSeek)))
	}
	return append(dst, a...)
}

// AppendSuccessor appends to dst a short internal key k >= a, for the last index entry of a
// table. It is LevelDB's FindShortSuccessor.
func AppendSuccessor(dst, a []byte) []byte {
	ua := UserKey(a)
	for i, c := range ua {
		if c != 0xff {
			if i+1 == len(ua) {
				break
			}
			dst = append(dst, ua[:i]...)
			dst = append(dst, c+1)
			return binary.LittleEndian.AppendUint64(dst, uint64(MakeTrailer(MaxSeq, KindSeek)))
		}
	}
	return append(dst, a...)
}
