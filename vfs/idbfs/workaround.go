//go:build js && wasm

package idbfs

import (
	"context"
	"errors"
	"fmt"
	"syscall/js"
	"time"

	"github.com/hack-pad/go-indexeddb/idb"
	"github.com/varvedb/varve/vfs"
)

// This file is where go-indexeddb 0.3.2 is called: it opens and deletes databases. What it
// can't express goes through syscall/js instead: getAll, cursors of keys, commit at the end
// of one synchronous run, and events that arrive without a goroutine each.
//
// Its defects, which workaround_test.go shows: an exception that is thrown at a call never
// becomes a DOMException; a wait whose context ends gives no error, and one for a finished request
// never ends; a transaction that is aborted without a request awaits as a success; an error in the
// upgrade callback ends the program; "versionchange" closes the connection with a line in the log
// only; "blocked" is not reported.

// request is a request that go-indexeddb waits for, and what it does not tell of it.
type request struct{ js js.Value }

// newRequest calls the browser's method that makes a request, and gives a factory whose method of
// that name returns it.
func newRequest(method string, args ...any) (r request, factory *idb.Factory, release func(), err error) {
	indexedDB := js.Global().Get("indexedDB")
	if !indexedDB.Truthy() {
		return r, nil, nil, fmt.Errorf("no IndexedDB here: %w", vfs.ErrIO) // idb.Global panics
	}
	if err := try(func() { r.js = indexedDB.Call(method, args...) }); err != nil {
		return r, nil, nil, err
	}
	give := js.FuncOf(func(js.Value, []js.Value) any { return r.js })
	factory, err = idb.WrapFactory(js.ValueOf(map[string]any{method: give}))
	return r, factory, give.Release, err
}

func (r request) done() bool { return r.js.Get("readyState").String() == "done" }

// await waits for a request until the context ends; then the error is errTimeout.
func (r request) await(ctx context.Context, wrapped *idb.Request) error {
	if !r.done() {
		_, _ = wrapped.Await(ctx)
	}
	if !r.done() {
		return errTimeout
	}
	if thrown := r.js.Get("error"); thrown.Truthy() {
		return newException(thrown)
	}
	return nil
}

var errTimeout = fmt.Errorf("timed out: %w", vfs.ErrIO)

// connect opens a store's database and makes its object stores if it is new. Browsers that have
// just lost their databases fail here, too, and not a second time.
func connect(name string, mustExist bool, timeout time.Duration) (conn js.Value, created bool, err error) {
	conn, created, err = connectOnce(name, mustExist, timeout)
	if isConnectionLoss(err) {
		conn, created, err = connectOnce(name, mustExist, timeout)
	}
	return conn, created, err
}

func connectOnce(name string, mustExist bool, timeout time.Duration) (conn js.Value, created bool, err error) {
	name = databasePrefix + name
	r, factory, release, err := newRequest("open", name, databaseVersion)
	if err != nil {
		return conn, false, err
	}
	defer release()
	lost := r.watchLoss()
	var upgradeErr error
	upgrade := func(db *idb.Database, _, _ uint) error {
		created = true
		if mustExist && lost.err == nil {
			upgradeErr = vfs.ErrNotFound
		} else {
			// The browser tells of a loss once: the next Open must find what says so.
			upgradeErr = createObjectStores(db, lost.err != nil)
		}
		if upgradeErr != nil {
			_ = try(func() { r.js.Get("transaction").Call("abort") })
		}
		return nil // an error ends the program
	}
	// The context must live as long as the request: without its listener for upgrades a
	// database would come to be without object stores.
	ctx, cancelContext := context.WithCancel(context.Background())
	cancel := func() { cancelContext(); lost.release() }
	wrapped, err := factory.Open(ctx, name, databaseVersion, upgrade)
	if err != nil {
		cancel()
		return conn, false, fmt.Errorf("%w: %w", vfs.ErrIO, err)
	}
	patient, giveUp := context.WithTimeout(ctx, timeout)
	defer giveUp()
	if err = r.await(patient, wrapped.Request); errors.Is(err, errTimeout) {
		go r.closeLate(wrapped.Request, cancel)
		return conn, false, fmt.Errorf("no answer within %v: %w", timeout, err)
	}
	cancel()
	switch {
	case upgradeErr != nil:
		return conn, false, upgradeErr
	case isException(err, "VersionError"):
		return conn, false, fmt.Errorf("%w: %w", ErrFormat, err)
	case err != nil:
		return conn, false, err
	case lost.err != nil:
		r.js.Get("result").Call("close")
		return conn, false, lost.err
	}
	return r.js.Get("result"), created, nil
}

// closeLate closes a connection that nobody waits for any more.
func (r request) closeLate(wrapped *idb.Request, cancel func()) {
	defer cancel()
	if err := r.await(context.Background(), wrapped); err == nil {
		r.js.Get("result").Call("close")
	}
}

// createObjectStores makes the object stores of an empty store, or of one that is known to be lost.
func createObjectStores(db *idb.Database, lost bool) error {
	for _, name := range []string{filesStore, pagesStore} {
		if _, err := db.CreateObjectStore(name, idb.ObjectStoreOptions{}); err != nil {
			return fmt.Errorf("create object store %s: %w", name, thrownAtCall(err))
		}
	}
	meta, err := db.CreateObjectStore(metaStore, idb.ObjectStoreOptions{})
	if err != nil {
		return fmt.Errorf("create object store %s: %w", metaStore, thrownAtCall(err))
	}
	if _, err := meta.PutKey(js.ValueOf(formatKey), js.ValueOf(formatVersion)); err != nil {
		return fmt.Errorf("put format: %w", thrownAtCall(err))
	}
	if _, err := meta.PutKey(js.ValueOf(epochKey), js.ValueOf(0)); err != nil {
		return fmt.Errorf("put epoch: %w", thrownAtCall(err))
	}
	if !lost {
		return nil
	}
	if _, err := meta.PutKey(js.ValueOf(madeKey), js.ValueOf(true)); err != nil {
		return fmt.Errorf("put made: %w", thrownAtCall(err))
	}
	return nil
}

// thrownAtCall gives what a method of go-indexeddb caught as one of our exceptions.
func thrownAtCall(err error) error {
	if thrown, ok := errors.AsType[js.Error](err); ok {
		return newException(thrown.Value)
	}
	return fmt.Errorf("%w: %w", vfs.ErrIO, err)
}

// deleteDatabase deletes a store's database. It fails with vfs.ErrLocked if a connection elsewhere
// is not closed within patience, though the browser has asked it to. There is no taking back: the
// browser deletes the database when that connection closes, and lets nobody open it before.
func deleteDatabase(name string, patience, timeout time.Duration) error {
	name = databasePrefix + name
	r, factory, release, err := newRequest("deleteDatabase", name)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	blocked := false
	onBlocked := js.FuncOf(func(js.Value, []js.Value) any {
		blocked = true
		time.AfterFunc(patience, cancel)
		return nil
	})
	defer onBlocked.Release()
	r.js.Set("onblocked", onBlocked)
	defer r.js.Set("onblocked", nil)
	wrapped, err := factory.DeleteDatabase(name)
	if err != nil {
		return fmt.Errorf("%w: %w", vfs.ErrIO, err)
	}
	err = r.await(ctx, wrapped.Request)
	switch {
	case errors.Is(err, errTimeout) && blocked:
		return fmt.Errorf("another tab or worker holds it open, and it is deleted when that closes it: %w", vfs.ErrLocked)
	case errors.Is(err, errTimeout):
		return fmt.Errorf("no answer within %v: %w", timeout, err)
	}
	return err
}
