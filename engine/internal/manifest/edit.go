package manifest

import (
	"encoding/binary"

	"github.com/varvedb/varve/engine/internal/base"
)

// The tags of LevelDB's version edits.
const (
	tagComparer       = 1
	tagLogNum         = 2
	tagNextFileNum    = 3
	tagLastSeq        = 4
	tagCompactPointer = 5
	tagDeletedTable   = 6
	tagAddedTable     = 7
	tagPrevLogNum     = 9
)

// Edit is a change of the set of tables and of the store's counters. What is nil or empty
// does not change.
type Edit struct {
	Comparer    string
	LogNum      *base.FileNum // the oldest log that is not in tables
	PrevLogNum  *base.FileNum // a log to replay though it is older; 0: none
	NextFileNum *base.FileNum
	LastSeq     *base.Seq

	CompactPointers []CompactPointer
	Deleted         []DeletedTable
	Added           []AddedTable
}

// CompactPointer says at which internal key the next compaction of a level begins.
type CompactPointer struct {
	Level int
	Key   []byte
}

// DeletedTable names a table that leaves a level.
type DeletedTable struct {
	Level int
	Num   base.FileNum
}

// AddedTable is a table that enters a level. An edit that moves a table deletes it from one
// level and adds it to another.
type AddedTable struct {
	Level int
	*Table
}

// Append appends the encoded edit to dst.
func (e *Edit) Append(dst []byte) []byte {
	if e.Comparer != "" {
		dst = appendBytes(append(dst, tagComparer), []byte(e.Comparer))
	}
	dst = appendNumber(dst, tagLogNum, e.LogNum)
	dst = appendNumber(dst, tagPrevLogNum, e.PrevLogNum)
	dst = appendNumber(dst, tagNextFileNum, e.NextFileNum)
	dst = appendNumber(dst, tagLastSeq, e.LastSeq)
	for _, p := range e.CompactPointers {
		dst = append(dst, tagCompactPointer, byte(p.Level))
		dst = appendBytes(dst, p.Key)
	}
	for _, d := range e.Deleted {
		dst = append(dst, tagDeletedTable, byte(d.Level))
		dst = binary.AppendUvarint(dst, uint64(d.Num))
	}
	for _, a := range e.Added {
		dst = append(dst, tagAddedTable, byte(a.Level))
		dst = binary.AppendUvarint(dst, uint64(a.Num))
		dst = binary.AppendUvarint(dst, uint64(a.Size))
		dst = appendBytes(dst, a.Smallest)
		dst = appendBytes(dst, a.Largest)
	}
	return dst
}

func appendNumber[T ~uint64](dst []byte, tag byte, n *T) []byte {
	if n == nil {
		return dst
	}
	return binary.AppendUvarint(append(dst, tag), uint64(*n))
}

func appendBytes(dst, p []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(p))), p...)
}
