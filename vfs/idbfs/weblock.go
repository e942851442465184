//go:build js && wasm

package idbfs

import (
	"fmt"
	"sync"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// webLock is a lock of the origin. The browser releases it when the context ends.
//
// WebKit does not when it keeps a page that was left, so that the lock is released then; the fence
// keeps out an engine that goes on when the user has come back.
type webLock struct {
	release js.Value // resolves the promise that the lock is held by
	left    js.Func  // hears that the page is left
	settled chan error
	once    sync.Once
}

// takeWebLock takes a store's lock, or fails with vfs.ErrLocked at once.
func takeWebLock(store string) (*webLock, error) {
	locks := js.Global().Get("navigator").Get("locks")
	if !locks.Truthy() {
		return nil, fmt.Errorf("this browser or context has no Web Locks: %w", vfs.ErrIO)
	}
	lock := &webLock{settled: make(chan error, 1)}
	executor := js.FuncOf(func(_ js.Value, args []js.Value) any {
		lock.release = args[0]
		return nil
	})
	defer executor.Release()
	held := js.Global().Get("Promise").New(executor)

	granted := make(chan bool, 1)
	callback := js.FuncOf(func(_ js.Value, args []js.Value) any {
		granted <- args[0].Truthy()
		if args[0].Truthy() {
			return held
		}
		return nil
	})
	defer callback.Release()
	options := map[string]any{"mode": "exclusive", "ifAvailable": true}
	request := locks.Call("request", databasePrefix+store, options, callback)
	go func() {
		_, err := await(request)
		lock.settled <- err
	}()

	select {
	case ok := <-granted:
		if !ok {
			<-lock.settled
			return nil, vfs.ErrLocked
		}
		lock.releaseWhenLeft()
		return lock, nil
	case err := <-lock.settled:
		return nil, err
	}
}

// lockOutcome is a lock, or why there is none.
type lockOutcome struct {
	lock *webLock
	err  error
}

// beginWebLock is takeWebLock for those who have other things to do meanwhile.
func beginWebLock(store string) <-chan lockOutcome {
	outcome := make(chan lockOutcome, 1)
	go func() {
		lock, err := takeWebLock(store)
		outcome <- lockOutcome{lock, err}
	}()
	return outcome
}

// release gives back what is not needed.
func (o lockOutcome) release() error {
	if o.err != nil {
		return nil
	}
	return o.lock.Close()
}

func (l *webLock) releaseWhenLeft() {
	l.left = js.FuncOf(func(_ js.Value, args []js.Value) any {
		if args[0].Get("persisted").Bool() {
			l.release.Invoke()
		}
		return nil
	})
	js.Global().Get("addEventListener").Invoke("pagehide", l.left)
}

// Close releases the lock and waits until it is free.
func (l *webLock) Close() error {
	l.once.Do(func() {
		l.release.Invoke()
		<-l.settled
		js.Global().Get("removeEventListener").Invoke("pagehide", l.left)
		l.left.Release()
	})
	return nil
}
