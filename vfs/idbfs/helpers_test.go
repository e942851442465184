//go:build js && wasm

package idbfs

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// openStore makes a new store, which is closed and destroyed when the test ends.
func openStore(t testing.TB) *FS {
	t.Helper()
	fs, err := Open(t.Name(), Options{MustBeNew: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeStore(t, fs)
		if err := Destroy(t.Name()); err != nil && !errors.Is(err, vfs.ErrNotFound) {
			t.Error(err)
		}
	})
	return fs
}

// openAgain opens an existing store once more.
func openAgain(t testing.TB, name string) *FS {
	t.Helper()
	fs := must(Open(name, Options{MustExist: true}))(t)
	t.Cleanup(func() { closeStore(t, fs) })
	return fs
}

func closeStore(t testing.TB, fs *FS) {
	err := fs.Close()
	if err != nil && !errors.Is(err, vfs.ErrClosed) && !errors.Is(err, vfs.ErrLocked) {
		t.Error(err)
	}
}

// crash ends an FS as the end of its tab would: what is queued is lost.
func crash(fs *FS) {
	fs.mu.Lock()
	fs.die(vfs.ErrClosed)
	fs.mu.Unlock()
	fs.db.close()
}

// withoutWebLock lets Lock succeed whoever holds the lock.
func withoutWebLock(fs *FS) *FS {
	fs.lockWeb = func(string) (io.Closer, error) { return io.NopCloser(nil), nil }
	return fs
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// write writes n random bytes and returns them.
func write(t testing.TB, w vfs.Writer, n int) []byte {
	t.Helper()
	p := make([]byte, n)
	random := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	random.Read(p)
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// writeFile makes a complete, synced file of n bytes and returns them.
func writeFile(t testing.TB, fs *FS, name string, n int) []byte {
	t.Helper()
	w := must(fs.Create(name))(t)
	p := write(t, w, n)
	check(t, w.Sync(vfs.Relaxed), w.Close())
	return p
}

// startTable makes a table with that many synced pages, which it returns beside the Writer.
func startTable(t testing.TB, fs *FS, pages int) (table vfs.Writer, synced []byte) {
	t.Helper()
	table = must(fs.Create("000001.ldb"))(t)
	synced = write(t, table, pages*pageSize)
	check(t, table.Sync(vfs.Relaxed))
	return table, synced
}

func wantContent(t testing.TB, fs *FS, name string, want []byte) {
	t.Helper()
	r := must(fs.Open(name))(t)
	defer r.Close()
	got := make([]byte, r.Size())
	if _, err := r.ReadAt(got, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, want %d; or their content differs", name, len(got), len(want))
	}
}

// wantOnly checks a file of whole pages, beside which no record may be stored.
func wantOnly(t testing.TB, fs *FS, name string, want []byte) {
	t.Helper()
	wantContent(t, fs, name, want)
	if n := storedRecords(t, fs, fs.db.names.pages); n != len(want)/pageSize {
		t.Errorf("%d records are stored, want %d", n, len(want)/pageSize)
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want one that wraps %q", what, err, want)
	}
}

// wantMetrics compares what was done since before.
func wantMetrics(t testing.TB, fs *FS, before, want Metrics) {
	t.Helper()
	now := fs.Metrics()
	got := Metrics{
		Read:      now.Read.minus(before.Read),
		Commit:    now.Commit.minus(before.Commit),
		Directory: now.Directory.minus(before.Directory),
		Delete:    now.Delete.minus(before.Delete),
	}
	if got != want {
		t.Errorf("done since: %+v, want %+v", got, want)
	}
}

func (t Traffic) minus(o Traffic) Traffic {
	return Traffic{t.Transactions - o.Transactions, t.Records - o.Records, t.Bytes - o.Bytes}
}

// storedRecords returns how many records there are in the object store.
func storedRecords(t testing.TB, fs *FS, store js.Value) int {
	t.Helper()
	conn := must(fs.db.connection())(t)
	tx := must(fs.db.begin(conn, store, fs.db.names.readonly, fs.db.names.relaxed))(t)
	n := must(tx.await(tx.store(store).Call("count")))(t)
	tx.leave()
	return n.Int()
}

// patch replaces a method of a browser's class until the test ends.
func patch(t testing.TB, class, method string, replacement func(this js.Value, args []js.Value, original js.Value) any) {
	prototype := js.Global().Get(class).Get("prototype")
	original := prototype.Get(method)
	callback := js.FuncOf(func(this js.Value, args []js.Value) any { return replacement(this, args, original) })
	prototype.Set(method, callback)
	t.Cleanup(func() {
		prototype.Set(method, original)
		callback.Release()
	})
}

func call(method, this js.Value, args []js.Value) js.Value {
	return js.Global().Get("Reflect").Call("apply", method, this, js.ValueOf(anys(args)))
}

func anys(values []js.Value) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
}

// watchDurability records the durability of each transaction for writing.
func watchDurability(t testing.TB) *[]string {
	var asked []string
	patch(t, "IDBDatabase", "transaction", func(this js.Value, args []js.Value, original js.Value) any {
		if args[1].String() == "readwrite" {
			asked = append(asked, args[2].Get("durability").String())
		}
		return call(original, this, args)
	})
	return &asked
}

// failCommits makes the next transactions for writing end with an exception of that name. The
// requests carry no error, as when a browser finds that there is no space.
func failCommits(t testing.TB, times int, name string) {
	patch(t, "IDBTransaction", "commit", func(this js.Value, args []js.Value, original js.Value) any {
		if times == 0 || this.Get("mode").String() != "readwrite" {
			return call(original, this, args)
		}
		times--
		giveError(this, name)
		this.Call("abort")
		return nil
	})
}

// refusePuts makes transactions that put something fail for lack of space, as browsers do, if
// refused, asked as each commits, says so.
func refusePuts(t testing.TB, refused func() bool) {
	const mark = "putsSomething"
	markPut := func(this js.Value, args []js.Value, original js.Value) any {
		this.Get("transaction").Set(mark, true)
		return call(original, this, args)
	}
	patch(t, "IDBObjectStore", "put", markPut)
	patch(t, "IDBObjectStore", "add", markPut)
	patch(t, "IDBTransaction", "commit", func(this js.Value, args []js.Value, original js.Value) any {
		if !this.Get(mark).Truthy() || !refused() {
			return call(original, this, args)
		}
		giveError(this, "QuotaExceededError")
		this.Call("abort")
		return nil
	})
}

func giveError(tx js.Value, name string) {
	exception := js.Global().Get("DOMException").New("injected", name)
	js.Global().Get("Object").Call("defineProperty", tx, "error", map[string]any{"value": exception})
}

// newTurn returns a function that waits until the browser has handled the events that are there.
func newTurn(t testing.TB) func() {
	channel := js.Global().Get("MessageChannel").New()
	handled := make(chan struct{}, 1)
	callback := js.FuncOf(func(js.Value, []js.Value) any {
		handled <- struct{}{}
		return nil
	})
	channel.Get("port1").Set("onmessage", callback)
	t.Cleanup(func() {
		channel.Get("port1").Call("close")
		callback.Release()
	})
	return func() {
		channel.Get("port2").Call("postMessage", nil)
		<-handled
	}
}
