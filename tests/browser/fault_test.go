//go:build js && wasm

package browser

import (
	"errors"
	"fmt"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/tests/internal/workload"
	"github.com/varvedb/varve/vfs"
)

// faults are the ways in which a call of the browser fails. Of all but the last the store must not
// let anything be seen: the connection is made anew and the work repeated.
var faults = []struct {
	name   string
	inject func(b *browser) // before the call
	hidden bool
}{
	{"connection closed before the call", func(b *browser) { b.closeConnections() }, true},
	{"close event", func(b *browser) { b.fireClose() }, true},
	{"UnknownError", func(b *browser) { b.abortLater("UnknownError") }, true},
	{"quota", func(b *browser) { b.abortLater("QuotaExceededError") }, false},
	{"data error", func(b *browser) { b.abortLater("DataError") }, false},
}

// browser stands between the store and the prototypes of IndexedDB. It counts the transactions
// and has one of them fail.
type browser struct {
	connections []js.Value
	calls       int
	at          int // the transaction that fails; -1: none
	inject      func(b *browser)
	failing     string // what the transaction that is begun now ends with
	dying       bool   // the transaction that is begun now is the last
	dead        bool   // no call has an effect
}

// watch replaces the browser's functions until the test ends.
func (b *browser) watch(t *testing.T) {
	patch(t, "IDBDatabase", "transaction", func(this js.Value, args []js.Value, original js.Value) any {
		if b.dead {
			return thrown("InvalidStateError")
		}
		b.remember(this)
		b.failing = ""
		if b.calls++; b.calls-1 == b.at {
			b.inject(b)
		}
		b.dead = b.dead || b.dying
		tx := call(original, this, args) // throws, if the connection was closed
		if b.failing != "" {
			b.abortAfterRequests(tx, b.failing)
		}
		return tx
	})
	patch(t, "IDBFactory", "open", func(this js.Value, args []js.Value, original js.Value) any {
		if b.dead {
			return thrown("UnknownError")
		}
		return call(original, this, args)
	})
}

// thrown is what a replacement returns to throw an exception.
func thrown(name string) map[string]any {
	return map[string]any{"thrown": js.Global().Get("DOMException").New("injected", name)}
}

func (b *browser) remember(conn js.Value) {
	for _, known := range b.connections {
		if known.Equal(conn) {
			return
		}
	}
	b.connections = append(b.connections, conn)
}

func (b *browser) closeConnections() {
	for _, conn := range b.connections {
		conn.Call("close")
	}
	b.connections = nil
}

// fireClose does what a browser does that loses its database: running transactions end, and the
// connection tells it.
func (b *browser) fireClose() {
	connections := b.connections
	b.closeConnections()
	for _, conn := range connections {
		conn.Call("dispatchEvent", js.Global().Get("Event").New("close"))
	}
}

func (b *browser) abortLater(reason string) { b.failing = reason }

// abortAfterRequests aborts the transaction, for that reason, when all its requests are issued.
func (b *browser) abortAfterRequests(tx js.Value, reason string) {
	exception := js.Global().Get("DOMException").New("injected", reason)
	js.Global().Get("Object").Call("defineProperty", tx, "error", map[string]any{"value": exception})
	var abort js.Func
	abort = js.FuncOf(func(js.Value, []js.Value) any {
		defer abort.Release()
		_, _ = tryCall(tx, "abort") // it may be over already
		return nil
	})
	js.Global().Call("queueMicrotask", abort)
}

func patch(t *testing.T, class, method string, replacement func(this js.Value, args []js.Value, original js.Value) any) {
	prototype := js.Global().Get(class).Get("prototype")
	original := prototype.Get(method)
	callback := js.FuncOf(func(this js.Value, args []js.Value) any { return replacement(this, args, original) })
	// An exception thrown in a Go callback ends the program: it is carried through JavaScript.
	throwing := js.Global().Call("eval", `(f) => function (...args) {
		const result = f.apply(this, args)
		if (result?.thrown) throw result.thrown
		return result
	}`).Invoke(callback)
	prototype.Set(method, throwing)
	t.Cleanup(func() {
		prototype.Set(method, original)
		callback.Release()
	})
}

// call calls a method; what it throws is given as {thrown}.
func call(method, this js.Value, args []js.Value) js.Value {
	list := make([]any, len(args))
	for i, arg := range args {
		list[i] = arg
	}
	return js.Global().Call("eval", `(f, that, args) => {
		try { return f.apply(that, args) } catch (thrown) { return { thrown } }
	}`).Invoke(method, this, js.ValueOf(list))
}

func tryCall(object js.Value, method string) (result js.Value, err error) {
	defer func() {
		if thrown, ok := recover().(js.Error); ok {
			err = thrown
		}
	}()
	return object.Call(method), nil
}

const (
	faultSteps  = 16
	faultStride = 3 // every how many transactions one fails
)

// run carries out the workload, and returns the first error that the fault has caused.
func run(w *workload.Workload) (caused error, wrong error) {
	for range faultSteps {
		if w.DB == nil {
			return caused, w.Reopen()
		}
		if err := w.Step(); err != nil {
			if caused != nil {
				return caused, fmt.Errorf("a second failure: %w", err)
			}
			caused = err
		}
	}
	return caused, nil
}

func finish(w *workload.Workload) error {
	if w.DB == nil {
		if err := w.Reopen(); err != nil {
			return err
		}
	}
	err := errors.Join(w.CheckContents(), w.Write(), w.Sync(), w.DB.Compact(nil, nil), w.CheckContents())
	if err == nil {
		_, err = w.DB.Verify()
	}
	return errors.Join(err, w.Close(), w.Open(), w.CheckContents(), w.Close())
}

// trial runs the workload with a fault at one transaction, and returns how many there were.
func trial(t *testing.T, s *stores, at int, inject func(b *browser), hidden bool) int {
	fs := s.open(t)
	b := &browser{at: at, inject: inject}
	b.watch(t)
	w := workload.New(7, fs)
	if err := w.Open(); err != nil {
		if hidden {
			t.Errorf("fault at transaction %d: %v", at, err)
			return b.calls
		}
		if err := w.Open(); err != nil {
			t.Errorf("after the fault at transaction %d: %v", at, err)
			return b.calls
		}
	}
	caused, wrong := run(w)
	if wrong != nil {
		t.Errorf("fault at transaction %d: %v", at, wrong)
	}
	if hidden && caused != nil {
		t.Errorf("fault at transaction %d is seen: %v", at, caused)
	}
	if caused != nil && !errors.Is(caused, vfs.ErrIO) && !errors.Is(caused, vfs.ErrNoSpace) && !errors.Is(caused, engine.ErrClosed) {
		t.Errorf("fault at transaction %d comes as %v", at, caused)
	}
	total := b.calls
	b.at = -1
	if err := finish(w); err != nil {
		t.Errorf("after the fault at transaction %d: %v", at, err)
	}
	return total
}

func TestEveryTransactionFails(t *testing.T) {
	s := &stores{}
	for i, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			total := faultStride
			for at := i % faultStride; at < total; at += faultStride {
				t.Run(fmt.Sprint(at), func(t *testing.T) {
					total = trial(t, s, at, f.inject, f.hidden)
				})
			}
			t.Logf("%d transactions", total)
		})
	}
}
