//go:build js && wasm

package idbfs

import (
	"runtime"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestSyncedBytesSurviveACrash(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000001.log"))(t)
	want := write(t, log, 1000)
	check(t, log.Sync(vfs.Relaxed))
	want = append(want, write(t, log, 70_000)...)
	check(t, log.Sync(vfs.Relaxed))
	write(t, log, 500)
	table := must(fs.Create("000002.ldb"))(t)
	paged := write(t, table, 5*pageSize+5)
	check(t, table.Sync(vfs.Relaxed))
	crash(fs)
	check(t, lock.(*storeLock).web.Close())

	for _, owner := range []bool{false, true, true} {
		fs = openAgain(t, t.Name())
		if owner {
			lock = must(fs.Lock())(t)
		}
		infos := must(fs.List())(t)
		if len(infos) != 2 || infos[0].Size != int64(len(want)) || infos[1].Size != int64(len(paged)) {
			t.Errorf("found %v, want files of %d and %d bytes", infos, len(want), len(paged))
		}
		wantContent(t, fs, "000001.log", want)
		wantContent(t, fs, "000002.ldb", paged)
		wantContent(t, fs, "000002.ldb", paged)
		if owner {
			check(t, lock.Close())
		}
		check(t, fs.Close())
	}
}

func TestOwnerSealsWhatACrashLeftOpen(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	want := write(t, log, 1000)
	check(t, log.Sync(vfs.Relaxed))
	crash(fs)

	fs = openAgain(t, t.Name())
	lock := must(fs.Lock())(t)
	wantContent(t, fs, "000001.log", want)
	check(t, lock.Close(), fs.Close())
	e := must(openAgain(t, t.Name()).db.readDirectory())(t).entries[1]
	if !e.sealed || !e.paged || e.size != 1000 || e.records != 1 {
		t.Errorf("entry is %+v, want it sealed with a page of 1000 bytes", e)
	}
}

func TestOwnerDeletesWhatACrashLeftOver(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", 100_000)
	kept := writeFile(t, fs, "000002.ldb", 10)
	must(fs.Open("000001.ldb"))(t)
	check(t, fs.Remove("000001.ldb"), fs.flush(vfs.Relaxed))
	crash(fs)

	fs = openAgain(t, t.Name())
	if n := storedRecords(t, fs, fs.db.names.pages); n != 5 {
		t.Fatalf("%d records before the lock is taken, want all 5", n)
	}
	lock := must(fs.Lock())(t)
	check(t, fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages); n != 1 {
		t.Errorf("%d records are left, want 1", n)
	}
	if n := storedRecords(t, fs, fs.db.names.files); n != 1 {
		t.Errorf("%d entries are left, want 1", n)
	}
	wantContent(t, fs, "000002.ldb", kept)
	check(t, lock.Close())
}

func TestRemovedFileIsDeletedAfterItsLastReader(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", 100_000)
	first, second := must(fs.Open("000001.ldb"))(t), must(fs.Open("000001.ldb"))(t)
	check(t, fs.Remove("000001.ldb"))
	for _, c := range []struct {
		close func() error
		left  int
	}{{first.Close, 4}, {second.Close, 0}} {
		check(t, c.close(), fs.drain())
		if n := storedRecords(t, fs, fs.db.names.pages); n != c.left {
			t.Errorf("%d records are left, want %d", n, c.left)
		}
	}
}

func TestFileThatARenameReplacedIsDeleted(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, rootFile, 50)
	want := writeFile(t, fs, "000001.dbtmp", 16)
	check(t, fs.Rename("000001.dbtmp", rootFile), fs.drain())
	for _, store := range []js.Value{fs.db.names.pages, fs.db.names.files} {
		if n := storedRecords(t, fs, store); n != 1 {
			t.Errorf("%d values are in %s, want 1", n, store)
		}
	}
	wantContent(t, fs, rootFile, want)
}

func TestFileRemovedWhileItIsWrittenLeavesNothing(t *testing.T) {
	fs := openStore(t)
	w := must(fs.Create("000001.ldb"))(t)
	check(t, fs.Remove("000001.ldb"))
	write(t, w, 2*streamSize)
	check(t, w.Sync(vfs.Relaxed))
	if n := storedRecords(t, fs, fs.db.names.files); n != 1 {
		t.Errorf("%d entries while the file is written, want 1 so that a crash leaves no orphan", n)
	}
	check(t, w.Close(), fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages) + storedRecords(t, fs, fs.db.names.files); n != 0 {
		t.Errorf("%d records and entries are left", n)
	}
}

func TestClosedFileReachesTheDatabaseWithoutASync(t *testing.T) {
	fs := openStore(t)
	w := must(fs.Create("000001.ldb"))(t)
	want := write(t, w, 100_000)
	check(t, w.Close())
	wantContent(t, fs, "000001.ldb", want)
	check(t, fs.Close())
	wantContent(t, openAgain(t, t.Name()), "000001.ldb", want)
}

func TestClosedFileIsStoredThoughNobodyWaitsForIt(t *testing.T) {
	fs := openStore(t)
	w := must(fs.Create("000001.ldb"))(t)
	write(t, w, 100)
	check(t, w.Close())
	for turn := newTurn(t); storedRecords(t, fs, fs.db.names.pages) == 0; {
		turn()
	}
}

// What its entry went with may fail for a reason of another file's.
func TestEntryThatWasNotWrittenGoesWithTheNextTransaction(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	other := must(fs.Create("000002.log"))(t)
	write(t, other, 10)
	failCommits(t, 1, "DataError")
	wantError(t, "Sync of another log", other.Sync(vfs.Relaxed), vfs.ErrIO)
	want := write(t, log, 10)
	check(t, log.Sync(vfs.Relaxed))
	crash(fs)
	wantContent(t, openAgain(t, t.Name()), "000001.log", want)
}

func TestLogOfManyRecordsIsFoundWhole(t *testing.T) {
	const records = 2*recordsAtOnce + 10
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000001.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	var want []byte
	fs.mu.Lock()
	for i := range records {
		log.(*writer).tail = []byte{byte(i), byte(i >> 8)}
		want = append(want, log.(*writer).tail...)
		log.(*writer).flush()
	}
	fs.mu.Unlock()
	check(t, log.Sync(vfs.Relaxed))
	crash(fs)
	check(t, lock.(*storeLock).web.Close())
	for range 2 {
		fs = openAgain(t, t.Name())
		lock = must(fs.Lock())(t)
		wantContent(t, fs, "000001.log", want)
		wantContent(t, fs, "000001.log", want)
		check(t, lock.Close(), fs.Close())
	}
}

func TestIDOfAFencedFileIsNotUsedAgain(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 10)
	check(t, log.Sync(vfs.Relaxed))
	crash(fs)

	fs = openAgain(t, t.Name())
	lock := must(fs.Lock())(t)
	check(t, fs.Remove("000001.log"), lock.Close(), fs.Close())

	fs = openAgain(t, t.Name())
	want := writeFile(t, fs, "000001.ldb", 3*pageSize)
	wantContent(t, fs, "000001.ldb", want)
}

func TestFileThatWasFencedEmptyIsDeleted(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	crash(fs)

	fs = openAgain(t, t.Name())
	lock := must(fs.Lock())(t)
	check(t, fs.Remove("000001.log"), fs.drain())
	if n := storedRecords(t, fs, fs.db.names.files); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	check(t, lock.Close())
}

// loseConnectionAtEnd lets the next transaction for writing be carried out, and its end be told as
// the loss of the connection. The next attempt to connect anew fails.
func loseConnectionAtEnd(t *testing.T) {
	restore := js.Global().Get("Function").New(`
		const { commit } = IDBTransaction.prototype, { open } = IDBFactory.prototype
		IDBTransaction.prototype.commit = function () {
			if (this.mode === 'readwrite') {
				IDBTransaction.prototype.commit = commit
				const told = this.onabort
				this.onabort = null
				this.oncomplete = () => {
					Object.defineProperty(this, 'error', { value: new DOMException('injected', 'UnknownError') })
					told({ type: 'abort' })
				}
				IDBFactory.prototype.open = function () {
					IDBFactory.prototype.open = open
					throw new DOMException('injected', 'DataError')
				}
			}
			return commit.call(this)
		}
		return () => {
			IDBTransaction.prototype.commit = commit
			IDBFactory.prototype.open = open
		}`).Invoke()
	t.Cleanup(func() { restore.Invoke() })
}

func TestCommitOfWhichNobodyKnowsTheEndIsNoLossOfTheLock(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	check(t, fs.drain())
	loseConnectionAtEnd(t)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 10)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrIO)
	next := must(fs.Create("000002.log"))(t)
	want := write(t, next, 10)
	check(t, log.Close(), next.Sync(vfs.Relaxed), next.Close(), fs.drain())
	wantContent(t, fs, "000001.log", nil)
	wantContent(t, fs, "000002.log", want)
	if n := storedRecords(t, fs, fs.db.names.pages); n != 1 {
		t.Errorf("%d records are stored, want the one that was acknowledged", n)
	}
	check(t, lock.Close())
}

func TestRecordOfWhichNobodyKnowsTheEndIsDeleted(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000001.log"))(t)
	want := write(t, log, 10)
	check(t, log.Sync(vfs.Relaxed), fs.drain())
	loseConnectionAtEnd(t)
	write(t, log, 20)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrIO)
	check(t, fs.flush(vfs.Relaxed))
	crash(fs)
	check(t, lock.(*storeLock).web.Close())
	wantContent(t, openAgain(t, t.Name()), "000001.log", want)
}

func TestConnectionMadeWhileTheStoreIsClosedIsClosed(t *testing.T) {
	fs := must(Open(t.Name(), Options{}))(t)
	t.Cleanup(func() { check(t, Destroy(t.Name())) })
	fs.db.disconnect(must(fs.db.connection())(t))
	connected := make(chan error, 1)
	go func() {
		_, err := fs.db.connection()
		connected <- err
	}()
	runtime.Gosched()
	fs.db.close()
	wantError(t, "connection", <-connected, vfs.ErrClosed)
	if fs.db.conn.Truthy() {
		t.Error("there is a connection after the close")
	}
}
