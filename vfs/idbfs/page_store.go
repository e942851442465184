//go:build js && wasm

package idbfs

import (
	"fmt"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// pageStore does what has to be fast. newPageStore chooses its implementation.
type pageStore interface {
	// commit carries out all of w in one transaction, or nothing. It fails with errLostLock
	// if another owner has taken the store.
	commit(w *writes) error

	// readPages fills the buffer of each read with one record of exactly that length, or
	// sets the error of that read. It tells how many transactions it tried to begin.
	readPages(reads []pageRead) (transactions int64, err error)

	// readRecords returns the records of a file from its first to, exclusively, the key end,
	// but for its fence.
	readRecords(first, end int64) (runOfRecords, error)

	// close ends the use of the database. It is called once, after the last use.
	close()
}

// writes are the changes of one transaction.
type writes struct {
	strict  bool
	epoch   int64 // that must hold unless only records are added; 0: any
	records []record
	entries []entryWrite
	deleted []keyRange // of records
	touch   bool       // there is nothing to write, but what was written must become strict
	root    rootChange // that comes with entries
}

// rootChange tells what becomes of the note that the directory has a root.
type rootChange uint8

const (
	rootStays rootChange = iota
	rootMade
	rootRemoved
)

// fenced reports whether a former owner could do harm with w, were the epoch not checked.
func (w *writes) fenced() bool { return w.epoch > 0 && len(w.entries)+len(w.deleted) > 0 }

// record is bytes of a file, to be added under a key.
type record struct {
	file *file
	key  int64
	data []byte
}

// entryWrite is the new state of a file's entry in the directory.
type entryWrite struct {
	file  *file
	entry entry
	op    entryOp
}

type entryOp uint8

const (
	addEntry entryOp = iota
	putEntry
	deleteEntry
)

// keyRange is a range of records, end exclusive.
type keyRange struct{ start, end int64 }

type pageRead struct {
	key  int64
	dest []byte
	err  error
}

// miss sets the error of a page that is not there, or not of its length.
func (r *pageRead) miss() {
	r.err = fmt.Errorf("page %d of file %d is not there whole: %w", r.key&indexMask, r.key>>indexBits, vfs.ErrDamaged)
}

// indexBits is the width of a record's index in its file. Keys stay below 2^53, so that
// JavaScript has them exactly.
const (
	indexBits  = 20
	indexMask  = 1<<indexBits - 1
	maxRecords = 1<<indexBits - 64 // leaves room for what Sync cuts from one tail, and a fence
)

func recordKey(id, index int64) int64 { return id<<indexBits + index }

func (db *database) commit(w *writes) error { return db.commitBy(db.commitOnce, w) }

// commitBy commits by way of once, a second time if the connection turns out to be lost. A key that is
// taken though the epoch is ours was so by a commit of ours, whose end nobody knew.
func (db *database) commitBy(once func(conn js.Value, w *writes) error, w *writes) error {
	return db.retrying(func(conn js.Value, again bool) error {
		err := once(conn, w)
		switch {
		case !isException(err, "ConstraintError"):
			return err
		case w.epoch == 0 && !again, !db.epochIs(conn, w.epoch):
			return errLostLock
		case again:
			return nil // the first try was carried out before the connection ended
		}
		return err
	})
}

func (db *database) commitOnce(conn js.Value, w *writes) error {
	options, scope := db.names.relaxed, db.names.pages
	if w.strict {
		options = db.names.strict
	}
	if w.fenced() || len(w.entries) > 0 || w.touch {
		scope = db.names.everything
	}
	tx, err := db.begin(conn, scope, db.names.readwrite, options)
	if err != nil {
		return err
	}
	var epoch, last js.Value
	if err := try(func() {
		if w.fenced() {
			epoch = tx.askEpoch()
		}
		last = db.issue(tx, w)
	}); err != nil {
		tx.abort()
		return err
	}
	if w.fenced() {
		if err := tx.checkEpoch(epoch, w.epoch); err != nil {
			return err
		}
	}
	return tx.complete(last)
}

// issue makes the requests, and returns the last of them.
func (db *database) issue(tx *transaction, w *writes) (last js.Value) {
	if w.touch {
		last = tx.store(db.names.meta).Call("put", formatVersion, db.names.format)
	}
	if w.root != rootStays {
		last = tx.store(db.names.meta).Call("put", w.root == rootMade, db.names.made)
	}
	if len(w.entries) > 0 {
		files := tx.store(db.names.files)
		for _, e := range w.entries {
			switch e.op {
			case addEntry:
				last = files.Call("add", e.entry.js(), e.file.id)
			case putEntry:
				last = files.Call("put", e.entry.js(), e.file.id)
			case deleteEntry:
				last = files.Call("delete", e.file.id)
			}
		}
	}
	if len(w.records) == 0 && len(w.deleted) == 0 {
		return last
	}
	pages := tx.store(db.names.pages)
	for _, r := range w.deleted {
		last = pages.Call("delete", db.jsRange(r))
	}
	for _, r := range w.records {
		data := db.names.uint8Array.New(len(r.data))
		js.CopyBytesToJS(data, r.data)
		last = pages.Call("add", data, r.key)
	}
	return last
}

func (db *database) jsRange(r keyRange) js.Value {
	return db.names.keyRange.Call("bound", r.start, r.end, false, true)
}

// epochIs reports whether the store's epoch is still the given one.
func (db *database) epochIs(conn js.Value, epoch int64) bool {
	now, err := db.epochOf(conn)
	return err == nil && (epoch == 0 || now == epoch)
}

// epochOf returns the epoch in the database that conn leads to, 0 if there is none.
func (db *database) epochOf(conn js.Value) (epoch int64, err error) {
	tx, err := db.begin(conn, db.names.meta, db.names.readonly, db.names.relaxed)
	if err != nil {
		return 0, err
	}
	now, err := tx.await(tx.store(db.names.meta).Call("get", db.names.epoch))
	if err != nil {
		return 0, err
	}
	tx.leave()
	return epochFrom(now), nil
}

func (db *database) readPages(reads []pageRead) (transactions int64, err error) {
	err = db.retrying(func(conn js.Value, _ bool) error {
		transactions++
		return db.readPagesOnce(conn, reads)
	})
	return transactions, err
}

// readPagesOnce asks for each page by itself: from 32 KiB on that is faster than getAll.
func (db *database) readPagesOnce(conn js.Value, reads []pageRead) error {
	tx, err := db.begin(conn, db.names.pages, db.names.readonly, db.names.relaxed)
	if err != nil {
		return err
	}
	requests := make([]js.Value, len(reads))
	if err := try(func() {
		pages := tx.store(db.names.pages)
		for i, r := range reads {
			requests[i] = pages.Call("get", r.key)
		}
	}); err != nil {
		tx.abort()
		return err
	}
	if _, err := tx.await(requests[len(requests)-1]); err != nil {
		return err
	}
	tx.leave()
	for i := range reads {
		r, data := &reads[i], requests[i].Get("result")
		if !data.InstanceOf(db.names.uint8Array) || data.Length() != len(r.dest) {
			r.miss()
			continue
		}
		js.CopyBytesToGo(r.dest, data)
	}
	return nil
}
