//go:build js && wasm

package idbfs

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log"
	"slices"
	"strings"
	"syscall/js"
	"testing"
	"time"

	"github.com/hack-pad/go-indexeddb/idb"
	"github.com/varvedb/varve/vfs"
)

// Each test shows a defect of go-indexeddb, and that workaround.go copes with it. One that fails
// at the library's part says that the defect is gone, and its workaround may go, too.

// libraryDatabase opens a new database with one object store, "store", as go-indexeddb does.
func libraryDatabase(t *testing.T) (*idb.OpenDBRequest, *idb.Database) {
	t.Helper()
	request := must(idb.Global().Open(t.Context(), t.Name(), 1, func(db *idb.Database, _, _ uint) error {
		_, err := db.CreateObjectStore("store", idb.ObjectStoreOptions{})
		return err
	}))(t)
	db := must(request.Await(t.Context()))(t)
	t.Cleanup(func() {
		check(t, db.Close())
		js.Global().Get("indexedDB").Call("deleteDatabase", t.Name())
	})
	return request, db
}

func TestLibraryGivesNoDOMExceptionForWhatIsThrownAtACall(t *testing.T) {
	_, db := libraryDatabase(t)
	check(t, db.Close())
	_, err := db.Transaction(idb.TransactionReadOnly, "store")
	if err == nil || errors.As(err, new(idb.DOMException)) {
		t.Errorf("the library gives %T %v, no longer another kind of error", err, err)
	}
	if err := thrownAtCall(err); !isException(err, "InvalidStateError") {
		t.Errorf("thrownAtCall: %v, want an InvalidStateError", err)
	}
}

func TestLibraryGivesNoErrorWhenTheContextEnds(t *testing.T) {
	blocker := makeBlocker(t, t.Name())
	defer blocker.Call("close")
	r, factory, release, err := newRequest("deleteDatabase", t.Name()) // has no answer before the blocker closes
	defer release()
	wrapped := must(factory.DeleteDatabase(t.Name()))(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(err, wrapped.Await(ended)); err != nil {
		t.Errorf("the library gives %v, no longer nothing", err)
	}
	if err := r.await(ended, wrapped.Request); !errors.Is(err, errTimeout) {
		t.Errorf("await: %v, want %v", err, errTimeout)
	}
}

func TestLibraryWaitsForeverForAFinishedRequest(t *testing.T) {
	r, factory, release, err := newRequest("open", t.Name())
	check(t, err)
	defer release()
	request := must(factory.Open(t.Context(), t.Name(), 0, func(*idb.Database, uint, uint) error { return nil }))(t)
	db := must(request.Await(t.Context()))(t)
	defer deleteDatabase(t.Name(), time.Second, time.Second)
	defer db.Close()

	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, _ = request.Await(soon)
	if soon.Err() == nil {
		t.Error("the library's wait ends before its context")
	}
	check(t, r.await(t.Context(), request.Request))
}

func TestLibraryTakesAnAbortedTransactionForACompleteOne(t *testing.T) {
	_, db := libraryDatabase(t)
	tx := must(db.Transaction(idb.TransactionReadWrite, "store"))(t)
	check(t, tx.Abort())
	if err := tx.Await(t.Context()); err != nil {
		t.Errorf("the library gives %v, no longer success", err)
	}

	fs := openStore(t)
	conn := must(fs.db.connection())(t)
	ours := must(fs.db.begin(conn, fs.db.names.pages, fs.db.names.readwrite, fs.db.names.relaxed))(t)
	ours.js.Call("abort")
	if err := ours.end(<-ours.listener.events); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("an aborted transaction ends with %v, want ErrIO", err)
	}
}

// The end-to-end tests set it, and see the program end.
var upgradeFails = flag.Bool("idbfs.upgrade-fails", false, "let an upgrade by go-indexeddb fail, which ends the program")

func TestLibraryEndsTheProgramWhenAnUpgradeFails(t *testing.T) {
	if *upgradeFails {
		failing := func(*idb.Database, uint, uint) error { return errors.New("the upgrade failed") }
		request := must(idb.Global().Open(t.Context(), t.Name(), 1, failing))(t)
		_, err := request.Await(t.Context())
		t.Logf("the library lived on: %v", err)
		return
	}
	prototype := js.Global().Get("IDBDatabase").Get("prototype")
	original := prototype.Get("createObjectStore")
	defer prototype.Set("createObjectStore", original)
	prototype.Set("createObjectStore", original.Call("bind", js.Global())) // throws: no database
	_, err := Open(t.Name(), Options{})
	wantError(t, "Open", err, vfs.ErrIO)
	if stores := must(List())(t); slices.Contains(stores, t.Name()) {
		t.Error("a store that could not be made was left behind")
	}
}

func TestLibraryTellsOfAVersionChangeInTheLogOnly(t *testing.T) {
	var printed bytes.Buffer
	log.SetOutput(&printed)
	defer log.SetOutput(log.Default().Writer())
	_, db := libraryDatabase(t)
	check(t, deleteForeign(t.Name()))
	if !strings.Contains(printed.String(), "Version change detected") {
		t.Errorf("the library printed %q", printed.String())
	}
	if _, err := db.Transaction(idb.TransactionReadOnly, "store"); err == nil {
		t.Error("the library did not close its connection")
	}

	fs := openStore(t)
	check(t, deleteForeign(databasePrefix+t.Name()))
	w := must(fs.Create("000002.log"))(t)
	wantError(t, "Sync", w.Sync(vfs.Relaxed), errDeleted)
	check(t, w.Close())
}

// deleteForeign deletes a database as another tab would.
func deleteForeign(name string) error {
	request := js.Global().Get("indexedDB").Call("deleteDatabase", name)
	ended := make(chan error, 1)
	callback := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if event := args[0].Get("type").String(); event != "success" {
			ended <- errors.New(event)
		} else {
			ended <- nil
		}
		return nil
	})
	defer callback.Release()
	for _, event := range []string{"onsuccess", "onerror", "onblocked"} {
		request.Set(event, callback)
	}
	return <-ended
}

func TestLibraryDoesNotReportBlocked(t *testing.T) {
	blocker := makeBlocker(t, databasePrefix+t.Name())
	factory := idb.Global()
	request := must(factory.DeleteDatabase(databasePrefix + t.Name()))(t)
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := request.Await(soon); err != nil || soon.Err() == nil {
		t.Errorf("the library gives %v for a deletion that is blocked, no longer nothing", err)
	}
	blocker.Call("close")
	check(t, deleteForeign(databasePrefix+t.Name()))

	blocker = makeBlocker(t, databasePrefix+t.Name())
	err := deleteDatabase(t.Name(), time.Millisecond, time.Minute)
	wantError(t, "deleteDatabase", err, vfs.ErrLocked)
	blocker.Call("close")
	check(t, deleteForeign(databasePrefix+t.Name()))
}
