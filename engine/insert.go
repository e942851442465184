package engine

import (
	"bytes"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
)

// sortFrom is the number of entries from which sorting a batch pays: an insert behind the one
// before is several times as fast as one anywhere.
const sortFrom = 8

// numbered is an entry of a batch with its sequence number.
type numbered struct {
	batchEntry
	seq base.Seq
}

// insertLocked puts the batch's entries into m, which has room for them.
func (db *DB) insertLocked(m *memtableRef, b *Batch, first base.Seq) error {
	err := db.insertRecordLocked(m, b.data, first, b.Count())
	if err != nil {
		return fmt.Errorf("insert batch: %w", err)
	}
	return nil
}

// insertRecordLocked puts the entries of a log record into m.
func (db *DB) insertRecordLocked(m *memtableRef, record []byte, first base.Seq, count int) error {
	if count < sortFrom {
		return eachEntry(record, func(i uint32, e batchEntry) error {
			return m.Add(&m.splice, first+base.Seq(i), e.kind, e.key, e.value)
		})
	}
	entries, sorted := db.sortBuffer[:0], true
	err := eachEntry(record, func(i uint32, e batchEntry) error {
		if sorted && i > 0 && bytes.Compare(entries[i-1].key, e.key) > 0 {
			sorted = false
		}
		entries = append(entries, numbered{e, first + base.Seq(i)})
		return nil
	})
	if err != nil {
		return err
	}
	var order []place
	if !sorted {
		order = db.sortOrder.of(len(entries), func(i int) []byte { return entries[i].key })
	}
	for i := range entries {
		e := &entries[i]
		if !sorted {
			e = &entries[order[i].i]
		}
		if err := m.Add(&m.splice, e.seq, e.kind, e.key, e.value); err != nil {
			return err
		}
	}
	clear(entries)
	if cap(entries) <= maxSortBuffer {
		db.sortBuffer = entries[:0]
	}
	db.sortOrder.trim(maxSortBuffer)
	return nil
}

// maxSortBuffer bounds, in entries, the buffer that is kept between batches.
const maxSortBuffer = 4096
