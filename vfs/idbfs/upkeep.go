//go:build js && wasm

package idbfs

import "time"

// upkeepPause is how long after it was taken over a store is left alone: what is read first is not
// to wait for upkeep.
const upkeepPause = 250 * time.Millisecond

// putOffUpkeep lets a new owner look after what earlier ones left, later.
func (fs *FS) putOffUpkeep() {
	// Without its headroom the store was full when it was left.
	fs.headroom.low = fs.headroom.pieces < fs.piecesWanted()
	if fs.headroom.low {
		fs.headroom.spent = time.Now()
	}
	for id := max(1, fs.nextID-maxWaste); id < fs.nextID; id++ {
		if fs.files[id] == nil {
			fs.headroom.waste.add(deletedFile{id: id})
		}
	}
	fs.sweep = sweep{below: recordKey(fs.nextID, 0)}
	fs.upkeep = time.AfterFunc(upkeepPause, func() {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.beginUpkeep()
	})
}

// beginUpkeep lets what was put off be done, if it still is. FS.mu is held.
func (fs *FS) beginUpkeep() {
	if fs.upkeep == nil {
		return
	}
	fs.upkeep.Stop()
	fs.upkeep = nil
	if fs.err == nil {
		fs.headroom.due, fs.sweep.due = true, true
		if fs.oldLog {
			fs.beginNewLog()
		}
		fs.wake()
	}
}
