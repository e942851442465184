//go:build js && wasm

package idbfs

import (
	"errors"
	"fmt"
	"strings"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// headroom is space that a large store keeps, so that it can be emptied when the browser grants
// no more: what is deleted and merged must be written first. Its fields are guarded by FS.mu.
//
// It consists of pieces, records of random bytes under the id 0. Browsers move records of this
// size to files of their own, which are free again at once when they are deleted; other records
// are so only after more was written. An estimate would not do: browsers don't tell how much they
// will grant.
//
// When the browser refuses to write, the pieces are deleted and the writing is repeated. From
// then on the store is low, until all pieces are there again: logs take no more than lowLogSize
// each, so that deletes succeed and tables can be merged, but not all is filled anew.
type headroom struct {
	pieces int64 // that are stored
	low    bool
	due    bool // the committer is to bring the pieces to their number
}

const (
	pieceSize = 1 << 20
	maxPieces = 24

	// A store of less than minReserving bytes keeps none, one of more a third of its size.
	minReserving = 16 << 20
	reservedPart = 3

	// lowLogSize is what a log takes while the store is low.
	lowLogSize = 128 << 10
)

// headroomRange is where the pieces are.
var headroomRange = keyRange{recordKey(0, 0), recordKey(1, 0)}

// isLog reports whether callers' writes come to this file first.
func (f *file) isLog() bool { return strings.HasSuffix(f.name, ".log") }

// piecesWanted returns how many pieces a store of this size should keep.
func (fs *FS) piecesWanted() int64 {
	stored := int64(0)
	for _, f := range fs.files {
		stored += f.committed.size
	}
	if stored < minReserving {
		return 0
	}
	return min(stored/reservedPart/pieceSize, maxPieces)
}

// growHeadroom adds a piece if one is missing; while the store is low, all that are. Only an
// owner keeps any.
func (fs *FS) growHeadroom() {
	for {
		fs.mu.Lock()
		h := &fs.headroom
		whole := h.pieces >= fs.piecesWanted()
		if whole {
			h.low = false
		}
		if whole || fs.epoch == 0 || fs.err != nil {
			h.due = false
			fs.mu.Unlock()
			return
		}
		piece, epoch := h.pieces, fs.epoch
		fs.mu.Unlock()

		err := fs.db.addPiece(recordKey(0, piece), epoch)

		fs.mu.Lock()
		switch {
		case err == nil:
			h.pieces++
			fs.stats.Headroom.add(1, pieceSize)
			if !h.low {
				fs.mu.Unlock()
				return
			}
		case errors.Is(err, vfs.ErrLocked):
			fs.die(err)
		default:
			// Whatever the reason is, the headroom is not there.
			h.low, h.due = true, false
		}
		fs.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// spendHeadroom deletes the pieces. It reports whether there were any.
func (fs *FS) spendHeadroom() bool {
	fs.mu.Lock()
	pieces, epoch := fs.headroom.pieces, fs.epoch
	fs.mu.Unlock()
	if pieces == 0 {
		return false
	}
	if err := fs.db.commit(&writes{epoch: epoch, deleted: []keyRange{headroomRange}}); err != nil {
		return false
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.headroom = headroom{low: true}
	for _, f := range fs.files {
		f.lowFrom = f.queued.size
	}
	fs.stats.Delete.Transactions++
	return true
}

// commitBatch writes a batch, on the headroom if it must.
func (fs *FS) commitBatch(b *batch) error {
	err := fs.pages.commit(&b.writes)
	if isException(err, "QuotaExceededError") && fs.spendHeadroom() {
		err = fs.pages.commit(&b.writes)
	}
	if isException(err, "QuotaExceededError") {
		err = noSpace(b.bytes())
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// admit fails if a log would take of the headroom more than it may.
func (fs *FS) admit(w *writer) error {
	f := w.file
	size := f.queued.size + int64(len(w.tail))
	if !fs.headroom.low || !f.isLog() || size <= f.lowFrom+lowLogSize {
		return nil
	}
	// There may be space again by now.
	fs.headroom.due = true
	b := fs.join(vfs.Relaxed)
	fs.mu.Unlock()
	<-b.done
	err := noSpace(size - f.synced.size)
	fs.mu.Lock()
	if fs.headroom.low {
		return err
	}
	return nil
}

// addPiece stores a piece.
func (db *database) addPiece(key, epoch int64) error {
	return db.retrying(func(conn js.Value, _ bool) error {
		tx, err := db.begin(conn, db.names.everything, db.names.readwrite, db.names.relaxed)
		if err != nil {
			return err
		}
		var owner js.Value
		if err := try(func() {
			owner = tx.askEpoch()
			random, crypto := db.names.uint8Array.New(pieceSize), js.Global().Get("crypto")
			for at := 0; at < pieceSize; at += 64 << 10 {
				crypto.Call("getRandomValues", random.Call("subarray", at, at+64<<10))
			}
			tx.store(db.names.pages).Call("put", random, key)
		}); err != nil {
			tx.abort()
			return err
		}
		if err := tx.checkEpoch(owner, epoch); err != nil {
			return err
		}
		return tx.complete()
	})
}

// noSpace returns the error of a refused writing. What browsers estimate to be left is not
// always what they grant, and is told only if it agrees with the refusal.
func noSpace(wanted int64) error {
	available := availableSpace()
	if available >= wanted {
		available = -1
	}
	return &vfs.NoSpaceError{Wanted: wanted, Available: available}
}
