//go:build js && wasm

package idbfs

import "syscall/js"

// listener passes events on to the goroutine that waits for them. Making a callback costs as
// much as a small request, so listeners are used again.
type listener struct {
	callback js.Func
	events   chan string
}

func newListener() *listener {
	// The goroutine takes each "success" before it asks for the next; behind one that it no
	// longer waits for there can only be "complete" or "abort".
	l := &listener{events: make(chan string, 2)}
	l.callback = js.FuncOf(func(_ js.Value, args []js.Value) any {
		l.events <- args[0].Get("type").String()
		return nil
	})
	return l
}

// transaction is an IndexedDB transaction that one goroutine waits for. Exactly one of
// complete and abort ends it.
type transaction struct {
	db       *database
	js       js.Value
	listener *listener
}

func (db *database) begin(conn, scope, mode, options js.Value) (*transaction, error) {
	tx := &transaction{db: db}
	if err := try(func() { tx.js = conn.Call("transaction", scope, mode, options) }); err != nil {
		return nil, err
	}
	tx.listener = db.takeListener()
	tx.js.Set("oncomplete", tx.listener.callback)
	tx.js.Set("onabort", tx.listener.callback)
	return tx, nil
}

func (tx *transaction) store(name js.Value) js.Value { return tx.js.Call("objectStore", name) }

// await waits until request, and all that were issued before it, succeeded. If it fails, the
// transaction has ended.
//
// The goroutine runs again while the request's event is being dispatched, so that it may
// issue further requests.
func (tx *transaction) await(request js.Value) (js.Value, error) {
	request.Set("onsuccess", tx.listener.callback)
	if event := <-tx.listener.events; event != "success" {
		return js.Undefined(), tx.end(event)
	}
	return request.Get("result"), nil
}

// askEpoch requests the epoch. It is asked for first, so that the answer comes while the
// requests behind it are under way.
func (tx *transaction) askEpoch() js.Value {
	return tx.store(tx.db.names.meta).Call("get", tx.db.names.epoch)
}

// checkEpoch ends the transaction with errLostLock unless the answer is the given epoch.
func (tx *transaction) checkEpoch(request js.Value, epoch int64) error {
	now, err := tx.await(request)
	if err != nil {
		return err
	}
	if epochFrom(now) != epoch {
		tx.abort()
		return errLostLock
	}
	return nil
}

// epochFrom returns the epoch that was read, or 0 if it is no longer there.
func epochFrom(v js.Value) int64 {
	if v.Type() != js.TypeNumber {
		return 0
	}
	return int64(v.Float())
}

// leave lets a transaction that only read end by itself. Committing it would be wrong:
// Chromium may then report its end before the results of long values.
func (tx *transaction) leave() {
	tx.js.Set("oncomplete", nil)
	tx.js.Set("onabort", nil)
	tx.db.putListener(tx.listener)
}

// complete commits the transaction when its last request, if it has any, has succeeded, and waits
// for its end. If it were committed before and a request failed, Firefox would commit the others,
// and WebKit would not say what failed.
func (tx *transaction) complete(last js.Value) error {
	if last.Truthy() {
		if _, err := tx.await(last); err != nil {
			return err
		}
	}
	if err := try(func() { tx.js.Call("commit") }); err != nil {
		tx.abort()
		return err
	}
	return tx.end(<-tx.listener.events)
}

// abort undoes the transaction and waits for its end.
func (tx *transaction) abort() {
	// The transaction may have been aborted already. Its event comes nevertheless.
	_ = try(func() { tx.js.Call("abort") })
	for event := range tx.listener.events {
		if event != "success" {
			_ = tx.end(event)
			return
		}
	}
}

func (tx *transaction) end(event string) error {
	tx.db.putListener(tx.listener)
	if event == "complete" {
		return nil
	}
	return newException(tx.js.Get("error"))
}
