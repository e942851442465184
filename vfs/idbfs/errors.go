//go:build js && wasm

package idbfs

import (
	"errors"
	"fmt"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// The errors of this package, beside those of package vfs.
var (
	// ErrExists means that the store exists though Options.MustBeNew was set.
	ErrExists = errors.New("store exists")

	// ErrFormat means that the store was written by another version.
	ErrFormat = errors.New("database of another format")
)

var (
	errLostLock = fmt.Errorf("another owner has taken the store: %w", vfs.ErrLocked)
	errDeleted  = fmt.Errorf("the store was deleted elsewhere: %w", vfs.ErrClosed)
)

// exception is what JavaScript threw, or the reason why a transaction was aborted.
type exception struct {
	name    string // "" if a transaction was aborted without a reason
	message string
}

func newException(thrown js.Value) *exception {
	if thrown.Type() != js.TypeObject {
		return &exception{message: "aborted"}
	}
	return &exception{name: thrown.Get("name").String(), message: thrown.Get("message").String()}
}

func (e *exception) Error() string {
	if e.name == "" {
		return e.message
	}
	return e.name + ": " + e.message
}

// Is makes an exception an ErrIO. Those that mean something better are mapped by their name.
func (e *exception) Is(target error) bool { return target == vfs.ErrIO }

func isException(err error, names ...string) bool {
	thrown, ok := errors.AsType[*exception](err)
	if !ok {
		return false
	}
	for _, name := range names {
		if thrown.name == name {
			return true
		}
	}
	return false
}

// isConnectionLoss reports whether err is what browsers give when they have closed the
// connection by themselves. The transaction has changed nothing then.
func isConnectionLoss(err error) bool {
	return isException(err, "InvalidStateError", "TransactionInactiveError", "UnknownError", "AbortError")
}

// try calls f and returns the exception that it threw.
func try(f func()) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case js.Error:
			err = newException(thrown.Value)
		default:
			panic(thrown)
		}
	}()
	f()
	return nil
}
