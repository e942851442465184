package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/memtable"
)

// batchHeaderLen is the length of a batch's header: u64 sequence number, u32 count.
const batchHeaderLen = 12

// maxBatchCount is the number of entries of which a memtable surely has room for all: what the
// longest batch leaves of an arena, but for the arena's own needs.
const maxBatchCount = (memtable.MaxArenaSize-MaxBatchLen)/memtable.EntryOverhead - 1

// Batch collects writes that take effect together. The zero value is an empty batch.
//
// Its bytes are the log record of LevelDB:
//
//	u64 sequence number of the first entry | u32 number of entries | entries
//	entry: u8 kind | varint length, key | only of a put: varint length, value
//
// A Batch must not be changed while it is being applied.
type Batch struct {
	data  []byte
	count uint32
	puts  bool // there is one among the entries
}

// Put stores value under key.
func (b *Batch) Put(key, value []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := checkValue(value); err != nil {
		return err
	}
	if err := b.begin(base.KindPut, key, len(value)); err != nil {
		return err
	}
	b.data = binary.AppendUvarint(b.data, uint64(len(value)))
	b.data = append(b.data, value...)
	b.puts = true
	return nil
}

// Delete removes key. It is no error if there is none.
func (b *Batch) Delete(key []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return b.begin(base.KindDelete, key, 0)
}

// Count returns the number of entries.
func (b *Batch) Count() int { return int(b.count) }

// Adds reports whether there is a put among the entries.
func (b *Batch) Adds() bool { return b.puts }

// Len returns the number of bytes that the batch takes in the log.
func (b *Batch) Len() int { return max(len(b.data), batchHeaderLen) }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.data = b.data[:0]
	b.count, b.puts = 0, false
}

func (b *Batch) begin(kind base.Kind, key []byte, valueLen int) error {
	const entryOverhead = 1 + 2*binary.MaxVarintLen32
	if len(b.data)+entryOverhead+len(key)+valueLen > MaxBatchLen {
		return fmt.Errorf("%w: batch of more than %d bytes", ErrInvalidArgument, MaxBatchLen)
	}
	if b.count >= maxBatchCount {
		return fmt.Errorf("%w: batch of more than %d entries", ErrInvalidArgument, maxBatchCount)
	}
	if len(b.data) == 0 {
		b.data = append(b.data, make([]byte, batchHeaderLen)...)
	}
	b.count++
	b.data = append(b.data, byte(kind))
	b.data = binary.AppendUvarint(b.data, uint64(len(key)))
	b.data = append(b.data, key...)
	return nil
}

func checkKey(key []byte) error {
	switch {
	case len(key) == 0:
		return fmt.Errorf("%w: empty key; a key has at least one byte", ErrInvalidArgument)
	case len(key) > MaxKeyLen:
		return fmt.Errorf("%w: key of %d bytes, at most %d can be stored", ErrInvalidArgument, len(key), MaxKeyLen)
	}
	return nil
}

func checkValue(value []byte) error {
	if len(value) > MaxValueLen {
		return fmt.Errorf("%w: value of %d bytes, at most %d can be stored", ErrInvalidArgument, len(value), MaxValueLen)
	}
	return nil
}

func (b *Batch) setSeq(first base.Seq) {
	binary.LittleEndian.PutUint64(b.data, uint64(first))
	binary.LittleEndian.PutUint32(b.data[8:], b.count)
}
