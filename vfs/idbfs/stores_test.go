//go:build js && wasm

package idbfs

import (
	"fmt"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/varvedb/varve/vfs"
)

func TestListFindsStores(t *testing.T) {
	names := []string{"b", "a", "with / slash", "ü"}
	for _, name := range names {
		fs := must(Open(name, Options{}))(t)
		check(t, fs.Close())
	}
	if got := fmt.Sprint(must(List())(t)); got != "[a b with / slash ü]" {
		t.Errorf("List: %s", got)
	}
	for _, name := range names {
		check(t, Destroy(name))
	}
	if got := must(List())(t); len(got) != 0 {
		t.Errorf("List after Destroy: %v", got)
	}
}

func TestOpenOfAMissingStore(t *testing.T) {
	_, err := Open(t.Name(), Options{MustExist: true})
	wantError(t, "Open", err, vfs.ErrNotFound)
	if got := must(List())(t); len(got) != 0 {
		t.Errorf("a refused Open left %v", got)
	}
}

func TestOpenOfAnExistingStore(t *testing.T) {
	openStore(t)
	_, err := Open(t.Name(), Options{MustBeNew: true})
	wantError(t, "Open", err, ErrExists)
}

func TestDestroyOfAMissingStore(t *testing.T) {
	wantError(t, "Destroy", Destroy(t.Name()), vfs.ErrNotFound)
}

func TestDestroyIsRefusedAfterAWaitWhileAnotherHoldsTheDatabase(t *testing.T) {
	fs := openStore(t)
	check(t, fs.Close())
	blocker := makeBlocker(t, databasePrefix+t.Name())
	err := destroy(t.Name(), 20*time.Millisecond)
	wantError(t, "Destroy", err, vfs.ErrLocked)
	if err == nil || !strings.Contains(err.Error(), "holds it open") {
		t.Errorf("Destroy: %v, want it to say why", err)
	}
	blocker.Call("close") // now the browser deletes it, which Open waits for
	fs = must(Open(t.Name(), Options{MustBeNew: true}))(t)
	check(t, fs.Close())
}

func TestDestroyWaitsForOneThatClosesTheDatabaseWhenItIsAsked(t *testing.T) {
	check(t, openStore(t).Close())
	blocker := makeBlocker(t, databasePrefix+t.Name())
	closeIt := js.FuncOf(func(js.Value, []js.Value) any {
		blocker.Call("close")
		return nil
	})
	defer closeIt.Release()
	patch(t, "IDBFactory", "deleteDatabase", func(this js.Value, args []js.Value, original js.Value) any {
		request := call(original, this, args)
		request.Call("addEventListener", "blocked", closeIt)
		return request
	})
	check(t, Destroy(t.Name()))
}

func TestDestroyDeletesTheFiles(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.log", 100)
	check(t, fs.Close(), Destroy(t.Name()))
	fs = must(Open(t.Name(), Options{MustBeNew: true}))(t)
	if infos := must(fs.List())(t); len(infos) != 0 {
		t.Errorf("found %v", infos)
	}
	check(t, fs.Close())
}

func TestOtherDatabasesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		want   error
		stores []any
		fill   func(tx js.Value)
	}{
		{"NoObjectStores", vfs.ErrDamaged, nil, nil},
		{"MissingObjectStore", vfs.ErrDamaged, []any{"meta", "files"}, nil},
		{"NoFormat", vfs.ErrDamaged, []any{"meta", "files", "pages"}, nil},
		{"NoEpoch", vfs.ErrDamaged, []any{"meta", "files", "pages"}, func(tx js.Value) {
			tx.Call("objectStore", "meta").Call("put", 1, "format")
		}},
		{"LaterFormat", ErrFormat, []any{"meta", "files", "pages"}, func(tx js.Value) {
			tx.Call("objectStore", "meta").Call("put", 2, "format")
			tx.Call("objectStore", "meta").Call("put", 0, "epoch")
		}},
		{"StrangeEntry", vfs.ErrDamaged, []any{"meta", "files", "pages"}, func(tx js.Value) {
			tx.Call("objectStore", "meta").Call("put", 1, "format")
			tx.Call("objectStore", "meta").Call("put", 0, "epoch")
			tx.Call("objectStore", "files").Call("put", "text", 1)
		}},
		{"StrangeKey", vfs.ErrDamaged, []any{"meta", "files", "pages"}, func(tx js.Value) {
			tx.Call("objectStore", "meta").Call("put", 1, "format")
			tx.Call("objectStore", "meta").Call("put", 0, "epoch")
			tx.Call("objectStore", "files").Call("put", "text", "key")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			makeDatabase(t, databasePrefix+t.Name(), c.stores, c.fill)
			_, err := Open(t.Name(), Options{})
			wantError(t, "Open", err, c.want)
			check(t, Destroy(t.Name())) // nothing keeps it open
		})
	}
}

// makeDatabase makes a database as another program would.
func makeDatabase(t *testing.T, name string, stores []any, fill func(tx js.Value)) {
	request := js.Global().Get("indexedDB").Call("open", name, 1)
	done := make(chan struct{})
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		for _, store := range stores {
			request.Get("result").Call("createObjectStore", store)
		}
		if fill != nil {
			fill(request.Get("transaction"))
		}
		return nil
	})
	defer upgrade.Release()
	success := js.FuncOf(func(js.Value, []js.Value) any {
		request.Get("result").Call("close")
		close(done)
		return nil
	})
	defer success.Release()
	request.Set("onupgradeneeded", upgrade)
	request.Set("onsuccess", success)
	<-done
}

func TestDatabaseOfAnotherVersionIsRefused(t *testing.T) {
	request := js.Global().Get("indexedDB").Call("open", databasePrefix+t.Name(), 2)
	_, err := Open(t.Name(), Options{}) // waits for the one before
	wantError(t, "Open", err, ErrFormat)
	request.Get("result").Call("close")
	check(t, Destroy(t.Name()))
}

func TestOpenGivesUpOnABrowserThatDoesNotAnswer(t *testing.T) {
	// A deletion that waits for another connection keeps everybody else waiting.
	blocker := makeBlocker(t, databasePrefix+t.Name())
	js.Global().Get("indexedDB").Call("deleteDatabase", databasePrefix+t.Name())
	_, err := Open(t.Name(), Options{OpenTimeout: 1})
	wantError(t, "Open", err, errTimeout)
	wantError(t, "Open", err, vfs.ErrIO)
	blocker.Call("close")
}

func TestConnectionThatComesTooLateIsClosed(t *testing.T) {
	blocker := makeBlocker(t, databasePrefix+t.Name())
	js.Global().Get("indexedDB").Call("deleteDatabase", databasePrefix+t.Name())
	_, err := Open(t.Name(), Options{OpenTimeout: 1})
	wantError(t, "Open", err, errTimeout)
	closed := 0
	patch(t, "IDBDatabase", "close", func(this js.Value, args []js.Value, original js.Value) any {
		if this.Get("name").String() == databasePrefix+t.Name() {
			closed++
		}
		return call(original, this, args)
	})
	blocker.Call("close")
	fs := must(Open(t.Name(), Options{}))(t) // comes behind the one that was given up
	if closed != 2 {
		t.Errorf("%d connections were closed, want the blocker's and the late one", closed)
	}
	check(t, fs.Close(), Destroy(t.Name()))
}

// makeBlocker opens a database and keeps it open whatever happens.
func makeBlocker(t *testing.T, name string) js.Value {
	request := js.Global().Get("indexedDB").Call("open", name, 1)
	opened := make(chan js.Value)
	success := js.FuncOf(func(js.Value, []js.Value) any {
		opened <- request.Get("result")
		return nil
	})
	defer success.Release()
	request.Set("onsuccess", success)
	return <-opened
}

func TestMissingWebLocksAreReported(t *testing.T) {
	fs := openStore(t)
	navigator := js.Global().Get("navigator")
	js.Global().Get("Object").Call("defineProperty", navigator, "locks", map[string]any{"value": nil, "configurable": true})
	defer js.Global().Get("Reflect").Call("deleteProperty", navigator, "locks")
	_, err := fs.Lock()
	wantError(t, "Lock", err, vfs.ErrIO)
}
