//go:build js && wasm

package idbfs

import (
	"errors"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// space makes the browser refuse to write while full is true, and grant again what the
// headroom held when that is deleted, or so many refusals later.
type space struct {
	full     bool
	refusals int
	freed    bool // the headroom is deleted
}

func limitSpace(t *testing.T) *space {
	s := &space{}
	patch(t, "IDBObjectStore", "delete", func(this js.Value, args []js.Value, original js.Value) any {
		if lower := args[0].Get("lower"); lower.Type() == js.TypeNumber && lower.Int() <= maxPieces && this.Get("name").String() == pagesStore {
			s.freed = true
			s.full = s.refusals > 0
		}
		return call(original, this, args)
	})
	refusePuts(t, func() bool {
		full := s.full
		if full && s.freed && s.refusals > 0 {
			s.refusals--
			s.full = s.refusals > 0
		}
		return full
	})
	return s
}

// largeStore returns a locked store that is large enough to keep a headroom, and expects the browser
// to free what was deleted at once.
func largeStore(t *testing.T) *FS {
	fs := openStore(t)
	fs.freeing = 0
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

func TestFullStoreWritesTablesAndShortPiecesOfLogs(t *testing.T) {
	fs := largeStore(t)
	s := limitSpace(t)
	log := must(fs.Create("000002.log"))(t)
	want := write(t, log, 2*longWrite)
	check(t, log.Sync(vfs.Strict))
	s.full = true
	table := writeFile(t, fs, "000003.ldb", 2*streamSize)
	wantPieces(t, fs, 1)
	wantContent(t, fs, "000003.ldb", table)

	want = append(want, write(t, log, longWrite)...)
	check(t, log.Sync(vfs.Strict), log.Close())
	wantContent(t, fs, "000002.log", want)
	s.full = true
	wantError(t, "Admit", fs.Admit(1), vfs.ErrNoSpace)
}

func TestTablesLeaveTheLastOfTheHeadroomToShortWrites(t *testing.T) {
	fs := largeStore(t)
	s := limitSpace(t)
	log := must(fs.Create("000002.log"))(t)
	s.full = true
	writeFile(t, fs, "000003.ldb", streamSize)
	wantPieces(t, fs, 1)
	s.full = true
	table := must(fs.Create("000004.ldb"))(t)
	write(t, table, streamSize)
	wantError(t, "Sync of a table", table.Sync(vfs.Strict), vfs.ErrNoSpace)
	wantPieces(t, fs, 1)
	want := write(t, log, 1000)
	check(t, log.Sync(vfs.Strict), log.Close(), table.Close())
	wantContent(t, fs, "000002.log", want)
	wantPieces(t, fs, 0)
}

func TestSpaceOfTheHeadroomIsWaitedFor(t *testing.T) {
	fs := largeStore(t)
	fs.freeing = freeingTime
	s := limitSpace(t)
	s.full, s.refusals = true, 3
	table := writeFile(t, fs, "000003.ldb", 10)
	wantContent(t, fs, "000003.ldb", table)
	if s.refusals != 0 {
		t.Errorf("the writing succeeded %d refusals too early", s.refusals)
	}
}

func TestSpaceOfTheHeadroomIsNotWaitedForWithoutEnd(t *testing.T) {
	fs := largeStore(t)
	fs.freeing = 3 * minPause
	s := limitSpace(t)
	s.full, s.refusals = true, 1000
	log := must(fs.Create("000002.log"))(t)
	write(t, log, 10)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	check(t, log.Close())
	s.full = false
}

func TestHeadroomIsNotSpentOnALongWriteOfCallers(t *testing.T) {
	fs := largeStore(t)
	s := limitSpace(t)
	log := must(fs.Create("000002.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	s.full = true
	write(t, log, longWrite+1)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	check(t, log.Close())
	wantPieces(t, fs, 5)
	if !fs.Low() {
		t.Error("the store is not low on space")
	}
}

func TestShortOfSpaceNothingMoreIsAdmitted(t *testing.T) {
	fs := largeStore(t)
	check(t, fs.Admit(1000))
	s := limitSpace(t)
	s.full = true
	writeFile(t, fs, "000002.ldb", 10)
	s.full = true
	estimate(t, 10_000, 9_500)
	var noSpace *vfs.NoSpaceError
	if err := fs.Admit(1000); !errors.As(err, &noSpace) || noSpace.Wanted != 1000 || noSpace.Available != 500 {
		t.Errorf("Admit: %v, want a NoSpaceError for 1000 bytes of 500", err)
	}
	s.full = false
	check(t, fs.Admit(1000))
	wantPieces(t, fs, 5)
}

func TestHeadroomIsMadeAgainWhenSpaceReturns(t *testing.T) {
	fs := largeStore(t)
	s := limitSpace(t)
	s.full = true
	writeFile(t, fs, "000002.ldb", 10)
	wantPieces(t, fs, 0)
	s.full = true
	wantError(t, "Admit", fs.Admit(1), vfs.ErrNoSpace)
	s.full = false
	check(t, fs.Admit(1))
	wantPieces(t, fs, 5)
}

func TestStoreWhoseHeadroomIsRefusedIsShortOfSpace(t *testing.T) {
	fs := openStore(t)
	fs.freeing = 0
	lock := must(fs.Lock())(t)
	refused := true
	const mark = "putsAPiece"
	patch(t, "IDBObjectStore", "put", func(this js.Value, args []js.Value, original js.Value) any {
		this.Get("transaction").Set(mark, this.Get("name").String() == pagesStore)
		return call(original, this, args)
	})
	patch(t, "IDBTransaction", "commit", func(this js.Value, args []js.Value, original js.Value) any {
		if refused && this.Get(mark).Truthy() {
			giveError(this, "QuotaExceededError")
			return this.Call("abort")
		}
		return call(original, this, args)
	})
	writeFile(t, fs, "000001.ldb", minReserving)
	check(t, fs.drain())
	if !fs.Low() {
		t.Error("the store is not low on space")
	}
	wantError(t, "Admit", fs.Admit(1), vfs.ErrNoSpace)
	refused = false
	check(t, fs.Admit(1), lock.Close())
	wantPieces(t, fs, minReserving/reservedPart/pieceSize)
}

func TestNextOwnerOfAFullStoreIsShortOfSpace(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	s := limitSpace(t)
	writeFile(t, fs, "000001.ldb", minReserving)
	check(t, fs.drain())
	s.full = true
	writeFile(t, fs, "000002.ldb", 10)
	s.full = true
	crash(fs)
	check(t, lock.(*storeLock).web.Close())

	fs = openAgain(t, t.Name())
	lock = must(fs.Lock())(t)
	wantError(t, "Admit", fs.Admit(1000), vfs.ErrNoSpace)
	s.full = false
	check(t, fs.Admit(1000), lock.Close())
	wantPieces(t, fs, 5)
}

// Without the pieces a full store has no space for the fence.
func TestNextOwnerOfAFullStoreFencesItOffOnTheHeadroom(t *testing.T) {
	old := withoutWebLock(openStore(t))
	must(old.Lock())(t)
	check(t, old.drain(), old.db.addPiece(recordKey(0, 0), old.epoch)) // behind the upkeep
	next := withoutWebLock(openAgain(t, t.Name()))
	s := limitSpace(t)
	s.full = true
	must(next.Lock())(t)
	if l := must(next.db.readDirectory())(t); next.epoch != l.epoch || l.epoch != old.epoch+1 {
		t.Errorf("the epoch is %d and the owner's %d, want %d", l.epoch, next.epoch, old.epoch+1)
	}
	wantPieces(t, next, 0)
	s.full = false
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
