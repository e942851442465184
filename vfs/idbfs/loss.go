//go:build js && wasm

package idbfs

import (
	"fmt"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// Chromium keeps an origin's databases in one LevelDB, and when it starts goes on in the log that it
// finds. If it was killed while it wrote there, what it adds behind the record in part is damage to
// it at the next start (github.com/google/leveldb/issues/1287), and it throws all databases of the
// origin away. Two things can be done about that: have it begin a new log before it is killed
// again, and not take the loss for a store that never was. The new log is begun at once unless the last
// owner has closed the store, and else a moment later: another database may have been written then.

// beginNewLog makes Chromium begin a new log, beside what else is done.
func (fs *FS) beginNewLog() {
	if !mayThrowAway() || !fs.reclaim.TryLock() { // whoever holds it has Chromium begin one, too
		return
	}
	go func() {
		defer fs.reclaim.Unlock()
		fs.db.mergeYoung()
	}()
}

// awaitNewLog is for who closes the store in good order: the next owner is in no haste then.
func (fs *FS) awaitNewLog() {
	fs.reclaim.Lock()
	defer fs.reclaim.Unlock()
}

// mayThrowAway reports whether the browser is one that says why a database is gone.
func mayThrowAway() bool {
	event := js.Global().Get("IDBVersionChangeEvent")
	return event.Truthy() && js.Global().Get("Reflect").Call("has", event.Get("prototype"), "dataLoss").Bool()
}

// loss is what a browser says of a database that it makes since it threw away the one of before.
type loss struct {
	err    error // nil if there was none
	listen js.Func
}

// watchLoss listens to a request for a database until the loss is released.
func (r request) watchLoss() *loss {
	l := &loss{}
	l.listen = js.FuncOf(func(_ js.Value, args []js.Value) any {
		if event := args[0]; event.Get("dataLoss").Equal(js.ValueOf("total")) {
			l.err = fmt.Errorf("the browser found its databases damaged and threw them away (%s): %w",
				event.Get("dataLossMessage").String(), vfs.ErrDamaged)
		}
		return nil
	})
	r.js.Call("addEventListener", "upgradeneeded", l.listen)
	return l
}

func (l *loss) release() { l.listen.Release() }
