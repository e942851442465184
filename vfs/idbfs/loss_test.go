//go:build js && wasm

package idbfs

import (
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestOnlyWhoFollowsACrashHasANewLogBegun(t *testing.T) {
	if !mayThrowAway() {
		t.Fatal("this is Chromium, and it is taken for another browser")
	}
	storeWithRoot(t)
	deleted := 0
	patch(t, "IDBFactory", "deleteDatabase", func(this js.Value, args []js.Value, original js.Value) any {
		deleted++
		return call(original, this, args)
	})
	fs := must(openOwned(t))(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000003.log"))(t)
	write(t, log, 1000)
	check(t, log.Sync(vfs.Relaxed))
	if deleted != 0 {
		t.Errorf("%d databases were deleted where the owner of before had closed the store", deleted)
	}
	crash(fs)
	check(t, lock.(*storeLock).web.Close())

	for opening, want := range []int{1, 1, 1} {
		check(t, must(openOwned(t))(t).Close())
		if deleted != want {
			t.Errorf("opening %d after a crash: %d databases were deleted, want %d", opening, deleted, want)
		}
	}
}
