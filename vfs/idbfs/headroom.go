//go:build js && wasm

package idbfs

import (
	"errors"
	"fmt"
	"strings"
	"syscall/js"
	"time"

	"github.com/varvedb/varve/vfs"
)

// headroom is space that a large store keeps, so that it can be emptied when the browser grants
// no more: what is deleted and merged must be written first. Its fields are guarded by FS.mu.
//
// It consists of pieces, records of random bytes under the id 0. Browsers move records of this
// size to files of their own, which are free again soon after they are deleted, in Chromium after
// some seconds; for other records see waste. An estimate would not do: browsers don't tell how much
// they will grant. Chromium's estimate of the quota is what is used and ten gigabytes.
//
// When the browser refuses to write though it was made to give back what is deleted, the pieces are
// deleted and the writing is repeated, unless it is of much that callers put. From then on the store
// is low, until all pieces are there again: Admit refuses what would add to it, so that deletes
// succeed and tables can be merged, but not all is filled anew. Only a caller who puts lets the
// pieces be made again: until then the space is for deletes.
type headroom struct {
	pieces int64 // that are stored
	low    bool
	due    bool      // the committer is to bring the pieces to their number
	spent  time.Time // when pieces were deleted last, so far as is known
	waste  waste
}

const (
	pieceSize = 1 << 20
	maxPieces = 24

	// lastPart of the pieces is left to short writes, such as deletes are: tables could use them all
	// up, and Chromium lets them take more than it would grant.
	lastPart = 3

	// A store of less than minReserving bytes keeps none, one of more a third of its size.
	minReserving = 16 << 20
	reservedPart = 3

	// longWrite is how much of callers' writes at once is no longer worth the headroom. Deletes are
	// shorter.
	longWrite = 128 << 10

	// freeingTime is how long the browser may take to free the pieces that were deleted.
	freeingTime = 12 * time.Second

	// The pauses between attempts to write what should have space then.
	minPause = 100 * time.Millisecond
	maxPause = time.Second
)

// headroomRange is where the pieces are.
var headroomRange = piecesFrom(0)

func piecesFrom(piece int64) keyRange { return keyRange{recordKey(0, piece), recordKey(1, 0)} }

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

// growHeadroom adds a piece if one is missing; while the store is low, all that are. If there are
// many more than wanted, they go. Only an owner keeps any.
func (fs *FS) growHeadroom() {
	fs.mu.Lock()
	pieces, wanted := fs.headroom.pieces, fs.piecesWanted()
	fs.mu.Unlock()
	if pieces > 2*wanted {
		fs.deletePieces(wanted)
	}
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

		add := func() error { return fs.db.addPiece(recordKey(0, piece), epoch) }
		err := fs.reclaimFor(add, add())

		fs.mu.Lock()
		switch {
		case err == nil:
			h.pieces++
			fs.stats.Headroom.add(1, 1, pieceSize)
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

// spendHeadroom deletes the pieces but for some. It reports whether there were any.
func (fs *FS) spendHeadroom(kept int64) bool {
	spent := fs.deletePieces(kept)
	if spent {
		fs.mu.Lock()
		fs.headroom.low, fs.headroom.due, fs.headroom.spent = true, false, time.Now()
		fs.mu.Unlock()
	}
	return spent
}

func (fs *FS) deletePieces(kept int64) bool {
	fs.mu.Lock()
	pieces, epoch := fs.headroom.pieces, fs.epoch
	fs.mu.Unlock()
	if pieces <= kept {
		return false
	}
	if err := fs.db.commit(&writes{epoch: epoch, deleted: []keyRange{piecesFrom(kept)}}); err != nil {
		return false
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.headroom.pieces = kept
	fs.stats.Delete.Transactions++
	return true
}

// commitBatch writes a batch, on the headroom if it must.
func (fs *FS) commitBatch(b *batch) error {
	commit := func() error { return fs.pages.commit(&b.writes) }
	err := fs.reclaimFor(commit, commit())
	if isRefusal(err) && b.logBytes() <= longWrite {
		err = fs.commitOnHeadroom(b, commit, err)
	}
	if isRefusal(err) {
		fs.mu.Lock()
		fs.headroom.low = true
		fs.mu.Unlock()
		err = noSpace(b.bytes())
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// commitOnHeadroom commits what was refused, once the space that the pieces held is free.
func (fs *FS) commitOnHeadroom(b *batch, commit func() error, refusal error) error {
	kept := int64(0)
	if b.bytes() > longWrite {
		fs.mu.Lock()
		kept = fs.piecesWanted() / lastPart
		fs.mu.Unlock()
	}
	if fs.spendHeadroom(kept) {
		refusal = commit()
	}
	fs.mu.Lock()
	patience := time.Until(fs.headroom.spent.Add(fs.freeing))
	fs.mu.Unlock()
	return fs.retry(patience, commit, refusal)
}

// Low reports whether space has run short, so that Admit may refuse.
func (fs *FS) Low() bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.headroom.low
}

// Admit fails with vfs.ErrNoSpace if callers should not add n bytes now: what space there is, is
// kept for what frees some. It tries first whether the browser grants the headroom again.
func (fs *FS) Admit(n int64) error {
	fs.mu.Lock()
	low := fs.headroom.low && fs.err == nil
	var b *batch
	if low {
		fs.headroom.due = true
		b = fs.join(vfs.Relaxed)
	}
	fs.mu.Unlock()
	if !low {
		return nil
	}
	<-b.done
	if !fs.Low() {
		return nil
	}
	return fmt.Errorf("the last space is kept for deletes and compaction: %w", noSpace(n))
}

// addPiece stores a piece.
func (db *database) addPiece(key, epoch int64) error {
	return db.retrying(func(conn js.Value, _ bool) error {
		tx, err := db.begin(conn, db.names.everything, db.names.readwrite, db.names.relaxed)
		if err != nil {
			return err
		}
		var owner, last js.Value
		if err := try(func() {
			owner = tx.askEpoch()
			random, crypto := db.names.uint8Array.New(pieceSize), js.Global().Get("crypto")
			for at := 0; at < pieceSize; at += 64 << 10 {
				crypto.Call("getRandomValues", random.Call("subarray", at, at+64<<10))
			}
			last = tx.store(db.names.pages).Call("put", random, key)
		}); err != nil {
			tx.abort()
			return err
		}
		if err := tx.checkEpoch(owner, epoch); err != nil {
			return err
		}
		return tx.complete(last)
	})
}
