//go:build js && wasm

package idbfs

import (
	"strings"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestNewLogIsBegunAtOnceAfterACrashAndElseWithTheUpkeep(t *testing.T) {
	inChromium := strings.Contains(js.Global().Get("navigator").Get("userAgent").String(), "Chrome/")
	if mayThrowAway() != inChromium {
		t.Fatalf("it is %v that this is Chromium, and it is taken for the contrary", inChromium)
	}
	each := 0 // how often it is to be asked of this browser
	if inChromium {
		each = 1
	}
	storeWithRoot(t)
	deleted := 0
	patch(t, "IDBFactory", "deleteDatabase", func(this js.Value, args []js.Value, original js.Value) any {
		deleted++
		return call(original, this, args)
	})
	left := func(name string, leave func(fs *FS, lock *storeLock), want int) {
		t.Helper()
		deleted = 0
		fs := must(openOwned(t))(t)
		fs.awaitNewLog()
		if want = min(want, each); deleted != want {
			t.Errorf("after %s, %d databases were deleted, want %d", name, deleted, want)
		}
		fs.mu.Lock()
		fs.beginUpkeep()
		fs.mu.Unlock()
		fs.awaitNewLog()
		if deleted != each {
			t.Errorf("after %s and the upkeep, %d databases were deleted, want %d", name, deleted, each)
		}
		leave(fs, must(fs.Lock())(t).(*storeLock))
	}
	closed := func(fs *FS, lock *storeLock) { check(t, lock.Close(), fs.Close()) }
	killed := func(fs *FS, lock *storeLock) {
		crash(fs)
		check(t, lock.web.Close())
	}
	written := func(fs *FS, lock *storeLock) {
		log := must(fs.Create("000003.log"))(t)
		write(t, log, 1000)
		check(t, log.Sync(vfs.Relaxed))
		killed(fs, lock)
	}
	left("a good end", written, 0)
	left("a crash", killed, 1)
	left("a crash before anything was written", closed, 1)
	left("a good end", closed, 0)
}

// tellLoss makes the browser say of the next database that is made that it threw away the one of
// before. It says so once.
func tellLoss(t *testing.T) {
	prototype := js.Global().Get("IDBVersionChangeEvent").Get("prototype")
	object := js.Global().Get("Object")
	original := object.Call("getOwnPropertyDescriptor", prototype, "dataLoss")
	restore := func() {
		if original.IsUndefined() { // this is not Chromium
			js.Global().Get("Reflect").Call("deleteProperty", prototype, "dataLoss")
		} else {
			object.Call("defineProperty", prototype, "dataLoss", original)
		}
	}
	told := js.Undefined()
	getter := js.FuncOf(func(event js.Value, _ []js.Value) any {
		if event.Get("type").String() != "upgradeneeded" {
			return "none"
		}
		if told.IsUndefined() {
			told = event
		}
		if told.Equal(event) {
			return "total"
		}
		return "none"
	})
	object.Call("defineProperty", prototype, "dataLoss", map[string]any{"get": getter, "configurable": true})
	t.Cleanup(func() {
		restore()
		getter.Release()
	})
}

func TestStoreThatTheBrowserThrewAwayStaysDamagedUntilItIsDestroyed(t *testing.T) {
	for name, first := range map[string]Options{"Made": {}, "Wanted": {MustExist: true}, "New": {MustBeNew: true}} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() { _ = Destroy(t.Name()) })
			tellLoss(t)
			for _, o := range []Options{first, {}, {MustExist: true}, {Lock: true}} {
				fs, err := Open(t.Name(), o)
				wantError(t, "Open", err, vfs.ErrDamaged)
				if err == nil {
					check(t, fs.Close())
				}
			}
			check(t, Destroy(t.Name()))
			check(t, must(Open(t.Name(), Options{}))(t).Close())
		})
	}
}
