//go:build js && wasm

package idbfs

import (
	"slices"
	"time"
)

// Tidying makes the browser give back what was deleted before space runs short: a store that was just
// loaded takes up to three times its size in Chromium, and keeps it until much else is written. It
// does what waste tells of in rounds, as long as the browser holds more than it need, and reads few
// records at once, since who writes meanwhile waits for those.

const (
	// tidyFrom is how many bytes have to be deleted before it pays, and more than a fifth of a large
	// store: the browser writes all that it keeps once more.
	tidyFrom = 1 << 20
	tidyPart = 5

	// tidyPause is how long a deletion lies back then: more may follow.
	tidyPause = time.Second

	// A browser holds too much if it is more than stored by this part of it.
	tidyExcess = 5

	tidyRounds   = 8
	tidySlices   = 16 // of a round
	tidyReads    = 32 // of a slice
	tidyInterval = 50 * time.Millisecond
)

// tidyLater lets the browser be made to give space back, if enough was deleted. FS.mu is held.
func (fs *FS) tidyLater() {
	if fs.tidying || fs.epoch == 0 || fs.err != nil || fs.headroom.waste.bytes < max(tidyFrom, fs.stored()/tidyPart) {
		return
	}
	fs.tidying = true
	time.AfterFunc(tidyPause, fs.tidy)
}

func (fs *FS) tidy() {
	fs.mu.Lock()
	fs.headroom.waste.bytes = 0
	fs.mu.Unlock()
	for round := 0; round < tidyRounds && fs.holdsTooMuch(); round++ {
		fs.reclaim.Lock()
		fs.db.mergeYoung()
		fs.reclaim.Unlock()
		for range tidySlices {
			fs.mu.Lock()
			files := slices.Clone(fs.headroom.waste.files)
			fs.mu.Unlock()
			fs.db.readInVain(files, tidyReads)
			time.Sleep(tidyInterval)
		}
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.tidying = false
	fs.tidyLater()
}

// holdsTooMuch reports whether the store is open and the browser, if it tells, holds too much.
func (fs *FS) holdsTooMuch() bool {
	fs.mu.Lock()
	closed := fs.err != nil
	fs.mu.Unlock()
	if closed || fs.countAnew() != nil {
		return false
	}
	used, told := databaseSpace()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return told && used > fs.stored()*(tidyExcess+1)/tidyExcess
}
