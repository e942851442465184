//go:build js && wasm && varve_host

package idbfs

import (
	"bytes"
	"errors"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// readOn reads every other page from first on, one after the other, until done or most of them were
// read, and returns how many. Each waits for the one before, and none comes by itself.
func readOn(t *testing.T, r vfs.Reader, first, most int, done func() bool) int {
	p := make([]byte, 100)
	for n := range most {
		if done() {
			return n
		}
		_, err := r.ReadAt(p, int64(first+2*n)*pageSize)
		check(t, err)
	}
	return most
}

func never() bool { return false }

func TestReadsGoOnInOneTransaction(t *testing.T) {
	fs := openStore(t)
	const pages = 2 * minCapacity
	writeFile(t, fs, "000001.ldb", (2*pages+5)*pageSize)
	r := must(fs.Open("000001.ldb"))(t)
	begun, before := 0, fs.Metrics().Read
	patch(t, "IDBDatabase", "transaction", func(this js.Value, args []js.Value, original js.Value) any {
		begun++
		return call(original, this, args)
	})
	readOn(t, r, 1, pages, never)
	if begun == 0 || begun > pages/8 {
		t.Errorf("%d transactions for %d pages that were read one by one", begun, pages)
	}
	if counted := fs.Metrics().Read.minus(before).Transactions; counted != int64(begun) {
		t.Errorf("%d transactions are counted, %d were begun", counted, begun)
	}
	check(t, r.Close())
}

// A transaction that reads holds up those that write, wherever they come from.
func TestReadsGiveWayToWrites(t *testing.T) {
	const pages = 2 * minCapacity
	for name, write := range map[string]func(fs *FS, log vfs.Writer) error{
		"a record": func(_ *FS, log vfs.Writer) error {
			_, err := log.Write([]byte("record"))
			return errors.Join(err, log.Sync(vfs.Relaxed))
		},
		"the directory": func(fs *FS, _ vfs.Writer) error {
			return fs.Rename("000003.tmp", "000003.ldb")
		},
	} {
		t.Run(name, func(t *testing.T) {
			fs := openStore(t)
			writeFile(t, fs, "000001.ldb", (2*pages+5)*pageSize)
			writeFile(t, fs, "000003.tmp", 10)
			log := must(fs.Create("000002.log"))(t)
			check(t, log.Sync(vfs.Relaxed))
			r := must(fs.Open("000001.ldb"))(t)
			readOn(t, r, 1, 2, never) // to go on behind
			written := make(chan error, 1)
			go func() { written <- write(fs, log) }()
			n := readOn(t, r, 5, pages, func() bool { return len(written) > 0 })
			if n > pages/2 {
				t.Errorf("%d pages were read before the write came to pass", n)
			}
			check(t, <-written, log.Close(), r.Close())
		})
	}
}

func TestReadBehindTheEndOfATransactionBeginsItsOwn(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", 10*pageSize)
	r := must(fs.Open("000001.ldb"))(t)
	conn, before, turn := must(fs.db.connection())(t), fs.Metrics().Read, newTurn(t)
	for page := 1; page < 8; page += 2 {
		readOn(t, r, page, 1, never)
		turn()
	}
	if n := fs.Metrics().Read.minus(before).Transactions; n != 4 {
		t.Errorf("%d transactions were tried for 4 pages, want as many", n)
	}
	if !must(fs.db.connection())(t).Equal(conn) {
		t.Error("the connection was taken for a lost one")
	}
	check(t, r.Close())
}

// What is to be written waits for the end of those that began to read before.
func TestNoReadGoesOnInATransactionThatAWriteWaitsFor(t *testing.T) {
	const pages, begunAt = 2 * minCapacity, "begunAt"
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", (2*pages+5)*pageSize)
	log := must(fs.Create("000002.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	begun, write, late := 0, 0, 0
	patch(t, "IDBDatabase", "transaction", func(this js.Value, args []js.Value, original js.Value) any {
		begun++
		if args[1].String() == "readwrite" {
			write = begun
		}
		tx := call(original, this, args)
		tx.Set(begunAt, begun)
		return tx
	})
	patch(t, "IDBObjectStore", "get", func(this js.Value, args []js.Value, original js.Value) any {
		if this.Get("transaction").Get(begunAt).Int() < write {
			late++
		}
		return call(original, this, args)
	})
	r := must(fs.Open("000001.ldb"))(t)
	written := make(chan error, 1)
	readOn(t, r, 1, 2, never)
	go func() {
		_, err := log.Write([]byte("record"))
		written <- errors.Join(err, log.Sync(vfs.Relaxed))
	}()
	readOn(t, r, 5, pages, func() bool { return len(written) > 0 })
	if write == 0 || late > 0 {
		t.Errorf("%d reads went on before the write, which is transaction %d", late, write)
	}
	check(t, <-written, log.Close(), r.Close())
}

func TestReadsGoOnBehindAFailedCommit(t *testing.T) {
	for name, fail := range map[string]func(t *testing.T){
		"Aborted": func(t *testing.T) { failCommits(t, 1, "DataError") },
		"Thrown":  throwAtAdd,
	} {
		t.Run(name, func(t *testing.T) {
			fs := openStore(t)
			const pages = minCapacity
			writeFile(t, fs, "000001.ldb", (2*pages+5)*pageSize)
			log := must(fs.Create("000002.log"))(t)
			check(t, log.Sync(vfs.Relaxed))
			fail(t)
			_, err := log.Write([]byte("record"))
			check(t, err)
			wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrIO)
			r := must(fs.Open("000001.ldb"))(t)
			before := fs.Metrics().Read
			readOn(t, r, 1, pages, never)
			if n := fs.Metrics().Read.minus(before).Transactions; n > pages/8 {
				t.Errorf("%d transactions for %d pages that were read one by one", n, pages)
			}
			check(t, r.Close(), log.Close())
		})
	}
}

// throwAtAdd makes the browser throw when the next record is added.
func throwAtAdd(t *testing.T) {
	restore := js.Global().Get("Function").New(`
		const { add } = IDBObjectStore.prototype
		let thrown = false
		IDBObjectStore.prototype.add = function (...args) {
			if (thrown) return add.apply(this, args)
			thrown = true
			throw new DOMException('injected', 'DataError')
		}
		return () => { IDBObjectStore.prototype.add = add }`).Invoke()
	t.Cleanup(func() { restore.Invoke() })
}

func TestClosedStoreLeavesNoConnectionWithTheHost(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	write(t, log, 10)
	check(t, log.Sync(vfs.Relaxed), log.Close())
	number := int(fs.pages.(*hostPages).number)
	if !connections().Index(number).Equal(fs.db.conn) {
		t.Fatal("the host does not know the connection")
	}
	check(t, fs.Close())
	if !connections().Index(number).IsUndefined() {
		t.Error("the host keeps the connection")
	}
}

// A browser may end a transaction that has given all that it was asked for.
func TestReadsGoOnBehindATransactionThatHasEnded(t *testing.T) {
	fs := openStore(t)
	const pages = 40
	want := writeFile(t, fs, "000001.ldb", pages*pageSize)
	r := must(fs.Open("000001.ldb"))(t)
	// In JavaScript: what throws in a function of Go's can't reach the one that called it.
	prototype := js.Global().Get("IDBObjectStore").Get("prototype")
	original := prototype.Get("get")
	t.Cleanup(func() { prototype.Set("get", original) })
	ended := js.Global().Get("Function").New("prototype", `
		const { get } = prototype
		let requests = 0, ended = 0
		prototype.get = function (key) {
			const request = get.call(this, key)
			if (++requests % 5 === 0) {
				request.addEventListener('success', () => {
					ended++
					this.transaction.abort()
				})
			}
			return request
		}
		return () => ended`).Invoke(prototype)
	got := make([]byte, pageSize)
	for i := 1; i < pages; i += 2 {
		_, err := r.ReadAt(got, int64(i)*pageSize)
		check(t, err)
		if !bytes.Equal(got, want[i*pageSize:(i+1)*pageSize]) {
			t.Fatalf("wrong bytes in page %d", i)
		}
	}
	if ended.Invoke().Int() == 0 {
		t.Error("no transaction was ended")
	}
	check(t, r.Close())
}

func TestCommitThatCannotBeAbandonedAcknowledgesNoOther(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	other := must(fs.Create("000002.log"))(t)
	check(t, log.Sync(vfs.Relaxed), other.Sync(vfs.Relaxed))
	restore := js.Global().Get("Function").New(`
		const { abort } = IDBTransaction.prototype, { add } = IDBObjectStore.prototype
		let adds = 0
		const refuse = () => { throw new DOMException('injected', 'DataError') }
		IDBTransaction.prototype.abort = refuse
		IDBObjectStore.prototype.add = function (...args) {
			return ++adds === 2 ? refuse() : add.apply(this, args)
		}
		return () => {
			IDBTransaction.prototype.abort = abort
			IDBObjectStore.prototype.add = add
		}`).Invoke()
	write(t, log, 2*pageSize)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrIO)
	restore.Invoke()
	storedRecords(t, fs, fs.db.names.pages) // when the transaction has ended by itself

	failCommits(t, 1, "DataError")
	write(t, other, 10)
	wantError(t, "Sync of another log", other.Sync(vfs.Relaxed), vfs.ErrIO)
	check(t, log.Close(), other.Close())
}

// So it is in WebKit where a transaction was told to commit at once.
func TestRefusalOfSpaceThatTheRequestAloneTellsIsTold(t *testing.T) {
	fs := openStore(t)
	fs.freeing = 0
	log := must(fs.Create("000001.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	restore := js.Global().Get("Function").New(`
		const { commit } = IDBTransaction.prototype, { add } = IDBObjectStore.prototype
		IDBObjectStore.prototype.add = function (...args) {
			const error = { value: new DOMException('injected', 'QuotaExceededError') }
			return Object.defineProperties(add.apply(this, args), { error, readyState: { value: 'done' } })
		}
		IDBTransaction.prototype.commit = function () {
			Object.defineProperty(this, 'error', { value: null })
			this.abort()
		}
		return () => {
			IDBTransaction.prototype.commit = commit
			IDBObjectStore.prototype.add = add
		}`).Invoke()
	defer restore.Invoke()
	write(t, log, 10)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	if !fs.Low() {
		t.Error("the store does not keep what space there is for deletes")
	}
}
