package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
)

// batchEntry is one write of a batch. Its slices share the batch's memory.
type batchEntry struct {
	kind       base.Kind
	key, value []byte
}

// batchHeader returns the sequence number and the count of a log record. It fails if its last entry
// has a sequence number that no table or manifest can hold.
func batchHeader(record []byte) (seq base.Seq, count uint32, err error) {
	if len(record) < batchHeaderLen {
		return 0, 0, fmt.Errorf("batch of %d bytes is shorter than its header", len(record))
	}
	seq, count = base.Seq(binary.LittleEndian.Uint64(record)), binary.LittleEndian.Uint32(record[8:])
	if seq > base.MaxSeq-base.Seq(count) {
		return 0, 0, fmt.Errorf("sequence number %d is out of range", seq)
	}
	return seq, count, nil
}

// eachEntry calls visit for every entry of a log record, with its index. It fails, before or
// after some calls of visit, if the record is not well formed.
func eachEntry(record []byte, visit func(i uint32, e batchEntry) error) error {
	_, count, err := batchHeader(record)
	if err != nil {
		return err
	}
	rest := record[batchHeaderLen:]
	for i := range count {
		var e batchEntry
		if e, rest, err = nextEntry(rest); err != nil {
			return fmt.Errorf("batch entry %d: %w", i, err)
		}
		if err := visit(i, e); err != nil {
			return err
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("batch of %d entries has %d bytes behind the last", count, len(rest))
	}
	return nil
}

func nextEntry(data []byte) (e batchEntry, rest []byte, err error) {
	if len(data) == 0 {
		return e, nil, fmt.Errorf("missing")
	}
	e.kind = base.Kind(data[0])
	if e.kind > base.KindPut {
		return e, nil, fmt.Errorf("unknown kind %d", e.kind)
	}
	if e.key, rest, err = nextString(data[1:]); err != nil {
		return e, nil, fmt.Errorf("key: %w", err)
	}
	if e.kind == base.KindPut {
		if e.value, rest, err = nextString(rest); err != nil {
			return e, nil, fmt.Errorf("value: %w", err)
		}
	}
	return e, rest, nil
}

func nextString(data []byte) (s, rest []byte, err error) {
	n, width := binary.Uvarint(data)
	if width <= 0 || n > uint64(len(data)-width) {
		return nil, nil, fmt.Errorf("bad length")
	}
	end := width + int(n)
	return data[width:end:end], data[end:], nil
}
