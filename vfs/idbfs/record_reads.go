//go:build js && wasm

package idbfs

import (
	"fmt"
	"slices"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// runOfRecords is the first records of a file.
type runOfRecords struct {
	content []byte
	records int64
	paged   bool // all have a page's length, but perhaps the last

	transactions int64 // that were begun for them
}

// recordsAtOnce bounds what one getAll brings into the browser's memory.
const recordsAtOnce = 1024

func (db *database) readRecords(first, end int64) (runOfRecords, error) {
	run := runOfRecords{paged: true}
	for start := first; start < end; start += recordsAtOnce {
		var records js.Value
		if err := db.retrying(func(conn js.Value, _ bool) (err error) {
			run.transactions++
			records, err = db.getAll(conn, keyRange{start, min(end, start+recordsAtOnce)})
			return err
		}); err != nil {
			return run, err
		}
		if err := run.append(records, db.names.uint8Array); err != nil {
			return run, err
		}
		if records.Length() < recordsAtOnce {
			break
		}
	}
	return run, nil
}

// append appends what getAll gave. A log may have many thousands of records, so each takes
// as few calls into JavaScript as can be.
func (run *runOfRecords) append(records, uint8Array js.Value) error {
	values, size := make([]js.Value, records.Length()), 0
	for i := range values {
		record := records.Index(i)
		if !record.InstanceOf(uint8Array) {
			return fmt.Errorf("record %d of a file is no Uint8Array: %w", run.records+int64(i), vfs.ErrDamaged)
		}
		values[i] = record
		size += record.Length()
	}
	run.content = slices.Grow(run.content, size)
	for _, record := range values {
		at := len(run.content)
		n := js.CopyBytesToGo(run.content[at:at+size], record)
		if n == 0 {
			return nil // a fence
		}
		run.paged = run.paged && int64(at) == run.records*pageSize && n <= pageSize
		run.content = run.content[:at+n]
		run.records++
		size -= n
	}
	return nil
}

func (db *database) getAll(conn js.Value, r keyRange) (js.Value, error) {
	tx, err := db.begin(conn, db.names.pages, db.names.readonly, db.names.relaxed)
	if err != nil {
		return js.Undefined(), err
	}
	var request js.Value
	if err := try(func() { request = tx.store(db.names.pages).Call("getAll", db.jsRange(r)) }); err != nil {
		tx.abort()
		return js.Undefined(), err
	}
	records, err := tx.await(request)
	if err != nil {
		return js.Undefined(), err
	}
	tx.leave()
	return records, nil
}
