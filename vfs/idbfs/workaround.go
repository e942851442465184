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

// connect opens a store's database and makes its object stores if it is new.
func connect(name string, mustExist bool, timeout time.Duration) (conn js.Value, created bool, err error) {
	if !js.Global().Get("indexedDB").Truthy() {
		return conn, false, fmt.Errorf("no IndexedDB here: %w", vfs.ErrIO) // idb.Global panics
	}
	var (
		request    *idb.OpenDBRequest
		upgradeErr error
	)
	upgrade := func(db *idb.Database, _, _ uint) error {
		created = true
		if mustExist {
			upgradeErr = vfs.ErrNotFound
		} else {
			upgradeErr = createObjectStores(db)
		}
		if upgradeErr != nil {
			abortUpgrade(request)
		}
		return nil // an error ends the program
	}
	// The context must live as long as the request: without its listener for upgrades a
	// database would come to be without object stores.
	ctx, cancel := context.WithCancel(context.Background())
	request, err = idb.Global().Open(ctx, databasePrefix+name, 1, upgrade)
	if err != nil {
		cancel()
		return conn, false, asException(err)
	}
	if _, err = awaitAtMost(request.Request, timeout); errors.Is(err, errTimeout) {
		go closeLate(request, cancel)
		return conn, false, fmt.Errorf("no answer within %v: %w", timeout, err)
	}
	cancel()
	if upgradeErr != nil {
		return conn, false, upgradeErr
	}
	if err != nil {
		return conn, false, err
	}
	conn, err = request.Request.Result()
	return conn, created, asException(err)
}

func createObjectStores(db *idb.Database) error {
	for _, name := range []string{filesStore, pagesStore} {
		if _, err := db.CreateObjectStore(name, idb.ObjectStoreOptions{}); err != nil {
			return fmt.Errorf("create object store %s: %w", name, asException(err))
		}
	}
	meta, err := db.CreateObjectStore(metaStore, idb.ObjectStoreOptions{})
	if err != nil {
		return fmt.Errorf("create object store %s: %w", metaStore, asException(err))
	}
	if _, err := meta.PutKey(js.ValueOf(formatKey), js.ValueOf(formatVersion)); err != nil {
		return fmt.Errorf("put format: %w", asException(err))
	}
	if _, err := meta.PutKey(js.ValueOf(epochKey), js.ValueOf(0)); err != nil {
		return fmt.Errorf("put epoch: %w", asException(err))
	}
	return nil
}

// abortUpgrade undoes the making of a database. The transaction is found through an object
// store, since go-indexeddb gives no access to that of an upgrade.
func abortUpgrade(request *idb.OpenDBRequest) {
	_ = try(func() {
		conn, _ := request.Request.Result()
		conn.Call("createObjectStore", "aborted").Get("transaction").Call("abort")
	})
}

// closeLate closes a connection that nobody waits for any more.
func closeLate(request *idb.OpenDBRequest, cancel func()) {
	defer cancel()
	if db, err := request.Await(context.Background()); err == nil {
		_ = db.Close()
	}
}

// deleteDatabase deletes a store's database. It waits for connections elsewhere to close,
// for which "blocked" is not reported.
func deleteDatabase(name string, timeout time.Duration) error {
	request, err := idb.Global().DeleteDatabase(databasePrefix + name)
	if err != nil {
		return asException(err)
	}
	if _, err := awaitAtMost(request.Request, timeout); errors.Is(err, errTimeout) {
		return fmt.Errorf("a connection elsewhere does not close: %w", vfs.ErrLocked)
	} else if err != nil {
		return err
	}
	return nil
}

var errTimeout = fmt.Errorf("timed out: %w", vfs.ErrIO)

// awaitAtMost waits for a request. Request.Await returns no error when its context ends, so
// that whether there was an answer is read from the request's state.
func awaitAtMost(request *idb.Request, timeout time.Duration) (js.Value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	result, err := request.Await(ctx)
	if state, stateErr := request.ReadyState(); stateErr != nil {
		return result, asException(stateErr)
	} else if state != "done" {
		return result, errTimeout
	}
	return result, asException(err)
}

// asException gives an exception of either of go-indexeddb's kinds as one of ours: those
// thrown at a call come as js.Error, those of requests as idb.DOMException.
func asException(err error) error {
	var thrown js.Error
	var dom idb.DOMException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &thrown):
		return newException(thrown.Value)
	case errors.As(err, &dom):
		return &exception{message: dom.Error()}
	}
	return fmt.Errorf("%w: %w", vfs.ErrIO, err)
}
