//go:build js && wasm

package idbfs

import (
	"math"
	"math/rand/v2"
	"slices"
	"syscall/js"
	"time"
)

// waste is what the browser may still hold of deleted files, and count.
//
// Chromium's LevelDB does: it drops deleted records only when it merges what it wrote later with
// them, and close to the quota nothing is written later. Two things that need no quota make it
// merge. When a database is deleted, what is in memory goes to a file, and young files are merged;
// that alone frees what transactions noted in order to be undone. And a file of which a hundred
// reads were in vain, since the answer lay deeper, is merged with what lies below: reads for what
// never was there do that where deleted records are.
type waste struct {
	files []deletedFile // the newest last
	fresh bool          // there are more since all was tried to get it back
	bytes int64         // of those that were deleted since the last tidying
}

// deletedFile is where records were.
type deletedFile struct{ id, records int64 }

const (
	maxWaste = 1024

	// minGain is what counts as having been given back.
	minGain = 64 << 10

	// readsInVain is how many such reads are made at once.
	readsInVain = 4096

	// reclaimTime is how long a refused writing waits for space while none more is given back.
	reclaimTime = 1500 * time.Millisecond
)

func (w *waste) add(f deletedFile) {
	if len(w.files) == maxWaste {
		w.files = append(w.files[:0], w.files[maxWaste/2:]...)
	}
	w.files = append(w.files, f)
	w.fresh = true
}

func isRefusal(err error) bool { return isException(err, "QuotaExceededError") }

// reclaimFor carries out again what was refused, if files were deleted since that was last in vain.
func (fs *FS) reclaimFor(write func() error, refusal error) error {
	fs.mu.Lock()
	fresh := fs.headroom.waste.fresh
	fs.mu.Unlock()
	if !fresh || !isRefusal(refusal) {
		return refusal
	}
	err := fs.retry(min(reclaimTime, fs.freeing), write, refusal)
	if isRefusal(err) {
		fs.mu.Lock()
		fs.headroom.waste.fresh = false
		fs.mu.Unlock()
	}
	return err
}

// retry carries out again and again what was refused, while it makes the browser give back what was
// deleted. It gives up when patience has run out and the browser gives back no more.
func (fs *FS) retry(patience time.Duration, write func() error, refusal error) error {
	fs.reclaim.Lock()
	defer fs.reclaim.Unlock()
	end, least := time.Now().Add(patience), int64(math.MaxInt64)
	for pause := minPause; isRefusal(refusal) && time.Now().Add(pause).Before(end); pause = min(2*pause, maxPause) {
		fs.mu.Lock()
		files := slices.Clone(fs.headroom.waste.files)
		fs.mu.Unlock()
		fs.db.mergeYoung()
		fs.db.readInVain(files, readsInVain)
		time.Sleep(pause)
		if err := fs.countAnew(); err != nil {
			return err
		}
		refusal = write()
		if used, _, ok := originSpace(); ok && used <= least-minGain {
			least, pause = used, minPause
			if more := time.Now().Add(min(patience, reclaimTime)); more.After(end) {
				end = more
			}
		}
	}
	return refusal
}

// countAnew makes Chromium count what is stored: it does when a transaction has succeeded, also one
// that deletes nothing.
func (fs *FS) countAnew() error {
	fs.mu.Lock()
	epoch := fs.epoch
	fs.mu.Unlock()
	return fs.db.commit(&writes{epoch: epoch, deleted: []keyRange{piecesFrom(maxPieces)}})
}

// mergeYoung makes a database, and deletes it. Its name is none of a store's.
func (db *database) mergeYoung() {
	l := db.takeListener()
	defer db.putListener(l)
	factory, name := js.Global().Get("indexedDB"), "varve-reclaim/"+db.name
	for _, method := range []string{"open", "deleteDatabase"} {
		_ = try(func() {
			r := factory.Call(method, name)
			r.Set("onsuccess", l.callback)
			r.Set("onerror", l.callback)
			if event := <-l.events; event == "success" && method == "open" {
				r.Get("result").Call("close")
			}
		})
	}
}

// readInVain asks so many times for a record that is between those of deleted files.
func (db *database) readInVain(files []deletedFile, reads int) {
	if len(files) == 0 {
		return
	}
	_ = db.retrying(func(conn js.Value, _ bool) error {
		tx, err := db.begin(conn, db.names.pages, db.names.readonly, db.names.relaxed)
		if err != nil {
			return err
		}
		var last js.Value
		if err := try(func() {
			pages := tx.store(db.names.pages)
			for range reads {
				f := files[rand.IntN(len(files))]
				last = pages.Call("get", float64(recordKey(f.id, rand.Int64N(f.records+1)))+0.5)
			}
		}); err != nil {
			tx.abort()
			return err
		}
		if _, err := tx.await(last); err != nil {
			return err
		}
		tx.leave()
		return nil
	})
}
