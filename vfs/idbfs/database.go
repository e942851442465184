//go:build js && wasm

package idbfs

import (
	"errors"
	"fmt"
	"sync"
	"syscall/js"
	"time"

	"github.com/varvedb/varve/vfs"
)

const (
	databasePrefix  = "varve/"
	databaseVersion = 1

	metaStore  = "meta"
	filesStore = "files"
	pagesStore = "pages"

	formatKey     = "format"
	formatVersion = 1
	epochKey      = "epoch"
	closedKey     = "closed"
	madeKey       = "made"
)

// database is a store's connection to IndexedDB, and makes a new one when the browser has
// closed the old.
type database struct {
	name    string
	timeout time.Duration
	names   names

	mu        sync.Mutex
	conn      js.Value      // undefined if there is none
	opening   chan struct{} // closed when the goroutine that is connecting has finished
	gone      error         // why there will be no connection any more
	epoch     int64         // of this owner; 0 before it took the lock
	listeners []*listener

	onClose, onVersionChange js.Func
}

// names are the strings and options of requests, converted once.
type names struct {
	meta, files, pages, everything js.Value
	readonly, readwrite            js.Value
	strict, relaxed                js.Value
	epoch, format, made, closed    js.Value
	uint8Array, keyRange           js.Value
}

func newNames() names {
	return names{
		meta:       js.ValueOf(metaStore),
		files:      js.ValueOf(filesStore),
		pages:      js.ValueOf(pagesStore),
		everything: js.ValueOf([]any{metaStore, filesStore, pagesStore}),
		readonly:   js.ValueOf("readonly"),
		readwrite:  js.ValueOf("readwrite"),
		strict:     js.ValueOf(map[string]any{"durability": "strict"}),
		relaxed:    js.ValueOf(map[string]any{"durability": "relaxed"}),
		epoch:      js.ValueOf(epochKey),
		format:     js.ValueOf(formatKey),
		made:       js.ValueOf(madeKey),
		closed:     js.ValueOf(closedKey),
		uint8Array: js.Global().Get("Uint8Array"),
		keyRange:   js.Global().Get("IDBKeyRange"),
	}
}

// openDatabase connects to a store's database.
func openDatabase(name string, o Options) (*database, error) {
	converted := make(chan names, 1)
	go func() { converted <- newNames() }() // while the browser connects
	conn, created, err := connect(name, o.MustExist, o.OpenTimeout)
	if isRefusal(err) {
		err = noSpace(0)
	}
	if err != nil {
		return nil, err
	}
	if o.MustBeNew && !created {
		conn.Call("close")
		return nil, ErrExists
	}
	db := &database{name: name, timeout: o.OpenTimeout, names: <-converted}
	db.onClose = js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].Get("target").Equal(db.conn) {
			db.conn = js.Undefined()
		}
		return nil
	})
	db.onVersionChange = js.FuncOf(func(js.Value, []js.Value) any {
		db.gone = errDeleted
		db.conn.Call("close")
		db.conn = js.Undefined()
		return nil
	})
	if err := db.adopt(conn); err != nil {
		db.close()
		return nil, err
	}
	return db, nil
}

// adopt makes conn the connection, after a look at what it leads to.
func (db *database) adopt(conn js.Value) error {
	stores := conn.Get("objectStoreNames")
	for _, name := range []string{metaStore, filesStore, pagesStore} {
		if !stores.Call("contains", name).Bool() {
			conn.Call("close")
			return fmt.Errorf("no object store %s: %w", name, vfs.ErrDamaged)
		}
	}
	conn.Set("onclose", db.onClose)
	conn.Set("onversionchange", db.onVersionChange)
	db.conn = conn
	return nil
}

// connection returns the connection, and makes one if there is none.
func (db *database) connection() (js.Value, error) {
	for {
		db.mu.Lock()
		if db.gone != nil || db.conn.Truthy() {
			defer db.mu.Unlock()
			return db.conn, db.gone
		}
		if db.opening == nil {
			break
		}
		opening := db.opening
		db.mu.Unlock()
		<-opening
	}
	db.opening = make(chan struct{})
	db.mu.Unlock()

	conn, _, err := connect(db.name, true, db.timeout)
	if errors.Is(err, vfs.ErrNotFound) {
		err = errDeleted
	}
	if err == nil {
		err = db.recognize(conn)
	}

	db.mu.Lock()
	defer db.mu.Unlock()
	close(db.opening)
	db.opening = nil
	if errors.Is(err, errDeleted) || errors.Is(err, errLostLock) {
		db.gone = err
	}
	if err != nil {
		return js.Undefined(), fmt.Errorf("reconnect to the database: %w", err)
	}
	if db.gone != nil { // meanwhile
		conn.Call("close")
		return js.Undefined(), db.gone
	}
	return conn, db.adopt(conn)
}

// recognize closes conn and fails if it leads to a database that took the place of the one that this
// owner had: there, nothing would refuse its records.
func (db *database) recognize(conn js.Value) (err error) {
	db.mu.Lock()
	epoch := db.epoch
	db.mu.Unlock()
	if epoch == 0 {
		return nil
	}
	now, err := db.epochOf(conn)
	switch {
	case err != nil:
	case now < epoch:
		err = errDeleted
	case now > epoch:
		err = errLostLock
	}
	if err != nil {
		conn.Call("close")
	}
	return err
}

// own makes this the owner of that epoch. 0 stands for one that is about to know its epoch.
func (db *database) own(epoch int64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.epoch = epoch
}

// retrying calls f with a connection. If the browser turns out to have closed it, f is called
// a second and last time with a new one.
func (db *database) retrying(f func(conn js.Value, again bool) error) error {
	for again := false; ; again = true {
		conn, err := db.connection()
		if err != nil {
			return err
		}
		if err = f(conn, again); again || !isConnectionLoss(err) {
			return err
		}
		db.disconnect(conn)
	}
}

func (db *database) disconnect(conn js.Value) {
	db.mu.Lock()
	defer db.mu.Unlock()
	hangUp(conn)
	if conn.Equal(db.conn) {
		db.conn = js.Undefined()
	}
}

func hangUp(conn js.Value) {
	conn.Set("onclose", nil)
	conn.Set("onversionchange", nil)
	conn.Call("close")
}

// settle waits for the end of transactions whose results are there already: WebKit keeps a
// database open for good if the worker ends before they do. It notes that the owner of that epoch, if
// it is not 0, has closed the store.
func (db *database) settle(epoch int64) {
	db.mu.Lock()
	conn := db.conn
	db.mu.Unlock()
	if !conn.Truthy() {
		return
	}
	tx, err := db.begin(conn, db.names.everything, db.names.readwrite, db.names.relaxed)
	if err != nil {
		return
	}
	var last js.Value
	if epoch > 0 {
		_ = try(func() { last = tx.store(db.names.meta).Call("put", epoch, db.names.closed) })
	}
	_ = tx.complete(last)
}

// close waits for running transactions, as the browser does. It is called once, after the
// last use.
func (db *database) close() {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.conn.Truthy() {
		hangUp(db.conn)
	}
	db.conn = js.Undefined()
	db.gone = vfs.ErrClosed
	db.onClose.Release()
	db.onVersionChange.Release()
	for _, l := range db.listeners {
		l.callback.Release()
	}
	db.listeners = nil
}

func (db *database) takeListener() *listener {
	db.mu.Lock()
	defer db.mu.Unlock()
	n := len(db.listeners)
	if n == 0 {
		return newListener()
	}
	l := db.listeners[n-1]
	db.listeners = db.listeners[:n-1]
	return l
}

func (db *database) putListener(l *listener) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.gone != nil {
		l.callback.Release()
		return
	}
	db.listeners = append(db.listeners, l)
}
