//go:build js && wasm

package idbfs

import (
	"slices"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// heap is a browser that counts what was deleted until it has merged its files.
type heap struct {
	full   bool
	merges int // of young files
	reads  int // that found nothing since
	enough int // such reads give the space back; 0: nothing does
}

func keepDeleted(t *testing.T) *heap {
	h := &heap{}
	patch(t, "IDBFactory", "deleteDatabase", func(this js.Value, args []js.Value, original js.Value) any {
		h.merges++
		h.reads = 0
		return call(original, this, args)
	})
	patch(t, "IDBObjectStore", "get", func(this js.Value, args []js.Value, original js.Value) any {
		if args[0].Type() == js.TypeNumber && int64(args[0].Float())>>indexBits == 1 && h.merges > 0 {
			h.reads++
		}
		return call(original, this, args)
	})
	refusePuts(t, func() bool {
		h.full = h.full && (h.enough == 0 || h.reads < h.enough)
		return h.full
	})
	return h
}

// dropFile makes a file and deletes it, with its records.
func dropFile(t *testing.T, fs *FS, name string) {
	t.Helper()
	writeFile(t, fs, name, 3*pageSize)
	check(t, fs.Remove(name), fs.drain())
}

func TestRefusedWriteGetsTheSpaceOfDeletedFiles(t *testing.T) {
	fs := openStore(t)
	dropFile(t, fs, "000001.ldb")
	h := keepDeleted(t)
	h.full, h.enough = true, 1000
	table := writeFile(t, fs, "000002.ldb", 2*pageSize)
	wantContent(t, fs, "000002.ldb", table)
	if h.full || h.merges == 0 {
		t.Error("the write was not refused")
	}
	if fs.Low() {
		t.Error("the store is low on space that it got back")
	}
	if left := must(databases())(t); !slices.Equal(left, []string{databasePrefix + t.Name()}) {
		t.Errorf("there are the databases %q", left)
	}
}

func TestNothingIsTriedWhereNothingWasDeleted(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", 2*pageSize)
	h := keepDeleted(t)
	h.full = true
	wantRefusal(t, fs, "000002.ldb")
	if h.merges != 0 {
		t.Errorf("%d attempts to get space back", h.merges)
	}
	h.full = false
}

func TestWhatWasInVainIsTriedAgainAfterADeletion(t *testing.T) {
	fs := openStore(t)
	fs.freeing = 3 * minPause
	dropFile(t, fs, "000001.ldb")
	kept := must(fs.Create("000002.ldb"))(t)
	write(t, kept, pageSize)
	check(t, kept.Sync(vfs.Relaxed), kept.Close())
	check(t, fs.drain())
	h := keepDeleted(t)
	h.full = true
	wantRefusal(t, fs, "000003.ldb")
	tried := h.merges
	if tried == 0 {
		t.Error("nothing was tried")
	}
	wantRefusal(t, fs, "000004.ldb")
	if h.merges != tried {
		t.Errorf("%d attempts more though nothing was deleted", h.merges-tried)
	}
	h.full = false
	check(t, fs.Remove("000002.ldb"), fs.drain())
	h.full = true
	wantRefusal(t, fs, "000005.ldb")
	if h.merges == tried {
		t.Error("nothing was tried after the deletion")
	}
	h.full = false
}

func wantRefusal(t *testing.T, fs *FS, name string) {
	t.Helper()
	w := must(fs.Create(name))(t)
	write(t, w, pageSize)
	wantError(t, "Sync of "+name, w.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	check(t, w.Close())
}

func TestNextOwnerKnowsWhichFilesAreGone(t *testing.T) {
	fs := openStore(t)
	dropFile(t, fs, "000001.ldb")
	writeFile(t, fs, "000002.ldb", pageSize)
	check(t, fs.Close())

	fs = openAgain(t, t.Name())
	lock := must(fs.Lock())(t)
	check(t, fs.drain())
	h := keepDeleted(t)
	h.full, h.enough = true, 1000
	writeFile(t, fs, "000003.ldb", pageSize)
	check(t, lock.Close())
}

// lowStore returns a store that is low on space, with a log and the last Reader of a removed table.
func lowStore(t *testing.T) (fs *FS, log vfs.Writer, removed vfs.Reader) {
	fs = openStore(t)
	writeFile(t, fs, "000001.ldb", pageSize)
	log = must(fs.Create("000002.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	removed = must(fs.Open("000001.ldb"))(t)
	check(t, fs.Remove("000001.ldb"), fs.drain())
	fs.mu.Lock()
	fs.headroom.low = true
	fs.mu.Unlock()
	return fs, log, removed
}

func TestDeletionsGoFirstWhileSpaceIsLow(t *testing.T) {
	fs, log, removed := lowStore(t)
	var order []string
	for _, method := range []string{"add", "delete"} {
		patch(t, "IDBObjectStore", method, func(this js.Value, args []js.Value, original js.Value) any {
			if this.Get("name").String() == pagesStore {
				order = append(order, method)
			}
			return call(original, this, args)
		})
	}
	write(t, log, 10)
	check(t, removed.Close(), log.Sync(vfs.Relaxed), fs.drain())
	if !slices.Equal(order, []string{"delete", "add"}) {
		t.Errorf("the order was %q", order)
	}
	check(t, log.Close())
}

func TestFailedDeletionDoesNotKeepWritesWaitingWhileSpaceIsLow(t *testing.T) {
	fs, log, removed := lowStore(t)
	failing := true
	const last = "lastRequest"
	for _, method := range []string{"add", "delete"} {
		patch(t, "IDBObjectStore", method, func(this js.Value, args []js.Value, original js.Value) any {
			this.Get("transaction").Set(last, method)
			return call(original, this, args)
		})
	}
	patch(t, "IDBTransaction", "commit", func(this js.Value, args []js.Value, original js.Value) any {
		if !failing || !this.Get(last).Equal(js.ValueOf("delete")) {
			return call(original, this, args)
		}
		giveError(this, "DataError")
		this.Call("abort")
		return nil
	})
	want := write(t, log, 10)
	check(t, removed.Close(), log.Sync(vfs.Relaxed), log.Close())
	_ = fs.drain()
	wantContent(t, fs, "000002.log", want)
	failing = false
	check(t, fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages); n != 1 {
		t.Errorf("%d records are stored, want that of the log", n)
	}
}

func TestHeadroomOfAnEmptiedStoreGoes(t *testing.T) {
	fs := largeStore(t)
	check(t, fs.Remove("000001.ldb"), fs.drain())
	writeFile(t, fs, "000002.ldb", 10)
	check(t, fs.drain())
	wantPieces(t, fs, 0)
	if fs.Low() {
		t.Error("an emptied store is low on space")
	}
}
