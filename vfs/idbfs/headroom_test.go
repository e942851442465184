//go:build js && wasm

package idbfs

import (
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// space makes the browser refuse to write while full is true, and grant again what the
// headroom held when that is deleted.
type space struct{ full bool }

func limitSpace(t *testing.T) *space {
	s := &space{}
	const mark = "putsSomething"
	markPut := func(this js.Value, args []js.Value, original js.Value) any {
		this.Get("transaction").Set(mark, true)
		return call(original, this, args)
	}
	patch(t, "IDBObjectStore", "put", markPut)
	patch(t, "IDBObjectStore", "add", markPut)
	patch(t, "IDBObjectStore", "delete", func(this js.Value, args []js.Value, original js.Value) any {
		if lower := args[0].Get("lower"); lower.Truthy() == false && this.Get("name").String() == pagesStore {
			s.full = false
		}
		return call(original, this, args)
	})
	patch(t, "IDBTransaction", "commit", func(this js.Value, args []js.Value, original js.Value) any {
		if !s.full || !this.Get(mark).Truthy() {
			return call(original, this, args)
		}
		giveError(this, "QuotaExceededError")
		this.Call("abort")
		return nil
	})
	return s
}

// largeStore returns a locked store that is large enough to keep a headroom.
func largeStore(t *testing.T) *FS {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	t.Cleanup(func() { check(t, lock.Close()) })
	writeFile(t, fs, "000001.ldb", minReserving)
	check(t, fs.drain())
	return fs
}

func wantPieces(t *testing.T, fs *FS, want int64) {
	t.Helper()
	fs.mu.Lock()
	known := fs.headroom.pieces
	fs.mu.Unlock()
	if stored := must(fs.db.readDirectory())(t).pieces; stored != want || known != want {
		t.Errorf("%d pieces are stored, %d known, want %d", stored, known, want)
	}
}

func TestSmallStoreKeepsNoHeadroom(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	writeFile(t, fs, "000001.ldb", 1<<20)
	check(t, fs.drain())
	wantPieces(t, fs, 0)
	check(t, lock.Close())
}

func TestLargeStoreKeepsAThird(t *testing.T) {
	fs := largeStore(t)
	wantPieces(t, fs, minReserving/reservedPart/pieceSize)
	if n := fs.Metrics().Headroom.Records; n != 5 {
		t.Errorf("%d pieces were written, want 5", n)
	}
}

func TestFullStoreWritesTablesAndTheBeginningOfLogs(t *testing.T) {
	fs := largeStore(t)
	s := limitSpace(t)
	log := must(fs.Create("000002.log"))(t)
	write(t, log, 2*lowLogSize)
	check(t, log.Sync(vfs.Strict))
	s.full = true
	table := writeFile(t, fs, "000003.ldb", 2*streamSize)
	wantPieces(t, fs, 0)
	wantContent(t, fs, "000003.ldb", table)

	write(t, log, lowLogSize)
	check(t, log.Sync(vfs.Strict))
	s.full = true
	write(t, log, 1)
	wantError(t, "Sync of a long log", log.Sync(vfs.Strict), vfs.ErrNoSpace)
	check(t, log.Close())
	s.full = false
	next := must(fs.Create("000004.log"))(t)
	want := write(t, next, 1000)
	check(t, next.Sync(vfs.Strict), next.Close())
	wantContent(t, fs, "000004.log", want)
}

func TestHeadroomIsMadeAgainWhenSpaceReturns(t *testing.T) {
	fs := largeStore(t)
	s := limitSpace(t)
	s.full = true
	writeFile(t, fs, "000002.ldb", 10)
	wantPieces(t, fs, 0)
	s.full = true
	log := must(fs.Create("000003.log"))(t)
	write(t, log, lowLogSize+1)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	check(t, log.Close())

	s.full = false
	log = must(fs.Create("000004.log"))(t)
	write(t, log, lowLogSize+1)
	check(t, log.Sync(vfs.Relaxed), log.Close())
	wantPieces(t, fs, 5)
}

func TestHeadroomIsFoundByTheNextOwner(t *testing.T) {
	largeStore(t)
	wantPieces(t, openAgain(t, t.Name()), 5)
}

func TestLargeFileIsDeletedInSlices(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", 3*dropSize+1000)
	before := fs.Metrics()
	check(t, fs.Remove("000001.ldb"), fs.drain())
	if n := fs.Metrics().Delete.Transactions - before.Delete.Transactions; n != 4 {
		t.Errorf("%d transactions, want 4", n)
	}
	if n := storedRecords(t, fs, fs.db.names.pages) + storedRecords(t, fs, fs.db.names.files); n != 0 {
		t.Errorf("%d records and entries are left", n)
	}
}
