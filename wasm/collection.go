//go:build js && wasm

package main

import (
	"runtime/debug"
	"time"
)

// uncollected is how long after a store was asked for garbage is let lie: a page's start does not
// wait for collections, which would find little.
const uncollected = time.Second

// leastRoom is the room below which collections come in time: soon there would be no end of them.
const leastRoom = 16 << 20

// putOffCollection lets garbage lie as long as there is room for it in so many bytes.
func putOffCollection(room int64) {
	if room < leastRoom {
		return
	}
	percent := debug.SetGCPercent(-1)
	if percent < 0 {
		return // it has been put off already
	}
	limit := debug.SetMemoryLimit(room)
	time.AfterFunc(uncollected, func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
}
