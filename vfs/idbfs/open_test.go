//go:build js && wasm

package idbfs

import (
	"fmt"
	"syscall/js"
	"testing"
	"time"

	"github.com/varvedb/varve/vfs"
)

// countTransactions counts the transactions that are begun until the test ends.
func countTransactions(t testing.TB) *int {
	n := new(int)
	patch(t, "IDBDatabase", "transaction", func(this js.Value, args []js.Value, original js.Value) any {
		*n++
		return call(original, this, args)
	})
	return n
}

// openOwned opens an existing store with its lock.
func openOwned(t testing.TB) (*FS, error) {
	t.Helper()
	fs, err := Open(t.Name(), Options{MustExist: true, Lock: true})
	if err == nil {
		t.Cleanup(func() { closeStore(t, fs) })
	}
	return fs, err
}

func TestOpenTakesTheLockThatLockReturns(t *testing.T) {
	storeWithRoot(t)
	fs := must(openOwned(t))(t)
	_, err := openOwned(t)
	wantError(t, "Open of another owner", err, vfs.ErrLocked)

	lock := must(fs.Lock())(t)
	_, err = fs.Lock()
	wantError(t, "Lock again", err, vfs.ErrLocked)
	check(t, lock.Close())
	lock = must(fs.Lock())(t)
	check(t, lock.Close(), fs.Close())
}

func TestCloseGivesBackTheLockThatNobodyAskedFor(t *testing.T) {
	storeWithRoot(t)
	check(t, must(openOwned(t))(t).Close())
	check(t, openAndRead(t.Name()))
}

func TestOpenThatFailsGivesBackTheLock(t *testing.T) {
	_, err := openOwned(t)
	wantError(t, "Open of nothing", err, vfs.ErrNotFound)
	storeWithRoot(t)
	_, err = Open(t.Name(), Options{MustBeNew: true, Lock: true})
	wantError(t, "Open of what exists", err, ErrExists)
	check(t, openAndRead(t.Name()))
}

func TestLockThatIsLetGoWhileTheBrowserConnectsIsTaken(t *testing.T) {
	storeWithRoot(t)
	held := true
	patch(t, "LockManager", "request", func(this js.Value, args []js.Value, original js.Value) any {
		if !held {
			return call(original, this, args)
		}
		held = false
		args[2].Invoke(js.Null())
		return js.Global().Get("Promise").Call("resolve")
	})
	check(t, must(openOwned(t))(t).Close())
}

// What opening a store reads costs a transaction, not one for each file.
func TestFilesThatAreReadWholeComeWithTheLock(t *testing.T) {
	storeWithRoot(t)
	fs := must(openOwned(t))(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000003.log"))(t)
	want := write(t, log, 1000)
	check(t, log.Sync(vfs.Relaxed))
	want = append(want, write(t, log, 100_000)...)
	check(t, log.Sync(vfs.Relaxed))
	manifest := writeFile(t, fs, "MANIFEST-000004", 40_000)
	check(t, fs.drain())
	crash(fs)
	check(t, lock.(*storeLock).web.Close())

	name := t.Name()
	for _, state := range []string{"unsealed", "sealed"} {
		t.Run(state, func(t *testing.T) {
			begun := countTransactions(t)
			fs := must(Open(name, Options{MustExist: true, Lock: true}))(t)
			wantContent(t, fs, "000003.log", want)
			wantContent(t, fs, "MANIFEST-000004", manifest)
			if n := len(must(fs.List())(t)); n != 5 {
				t.Errorf("%d files are listed, want 5", n)
			}
			must(fs.Open(rootFile))(t)
			if *begun != 1 {
				t.Errorf("%d transactions were begun, want 1", *begun)
			}
			wantContent(t, fs, "000003.log", want) // and again, from the database
			check(t, fs.Close())
		})
	}
}

func TestValueThatCanNotBeReadKeepsNobodyFromTheStore(t *testing.T) {
	storeWithRoot(t)
	broken := true
	patch(t, "IDBObjectStore", "getAll", func(this js.Value, args []js.Value, original js.Value) any {
		const mark = "isAborted"
		tx := this.Get("transaction")
		if broken && this.Get("name").String() == pagesStore && !tx.Get(mark).Truthy() {
			tx.Set(mark, true)
			js.Global().Get("queueMicrotask").Invoke(tx.Get("abort").Call("bind", tx)) // when all is asked for
		}
		return call(original, this, args)
	})
	fs := must(openOwned(t))(t)
	lock := must(fs.Lock())(t)
	broken = false
	if r := must(fs.Open("000002.ldb"))(t); r.Size() != 3*pageSize {
		t.Errorf("the table has %d bytes, want %d", r.Size(), 3*pageSize)
	}
	check(t, lock.Close())
}

// What the owner of before committed, relaxed, is there to be read, and may be relied on from now on.
func TestStrictSyncOfANewOwnerCoversWhatItFound(t *testing.T) {
	storeWithRoot(t)
	asked := watchDurability(t)
	fs := must(openOwned(t))(t)
	check(t, fs.flush(vfs.Strict), fs.flush(vfs.Strict))
	if got := fmt.Sprint(*asked); got != "[relaxed strict]" {
		t.Errorf("transactions were %s, want [relaxed strict]", got)
	}
}

func TestUpkeepBeginsByItself(t *testing.T) {
	storeWithRoot(t)
	orphan := recordKey(70, 0)
	edit(t, func(tx *transaction) { tx.js.Call("objectStore", pagesStore).Call("put", "orphan", orphan) })
	fs := must(openOwned(t))(t)
	before := storedRecords(t, fs, fs.db.names.pages)
	for end := time.Now().Add(10 * time.Second); storedRecords(t, fs, fs.db.names.pages) == before; {
		if time.Now().After(end) {
			t.Fatal("the record without an entry stays")
		}
		time.Sleep(50 * time.Millisecond)
	}
}
