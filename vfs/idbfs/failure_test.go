//go:build js && wasm

package idbfs

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestFullStorageIsNoSpace(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	synced := write(t, log, 1000)
	check(t, log.Sync(vfs.Relaxed))

	failCommits(t, 1, "QuotaExceededError")
	estimate(t, 10_000, 9_000)
	write(t, log, 5000)
	err := log.Sync(vfs.Relaxed)
	var noSpace *vfs.NoSpaceError
	if !errors.As(err, &noSpace) || noSpace.Wanted != 5000 || noSpace.Available != 1000 {
		t.Fatalf("Sync: %v, want a NoSpaceError for 5000 bytes of 1000", err)
	}

	// The Writer is dead, and the file ends where it was last synced.
	_, again := log.Write([]byte("more"))
	wantError(t, "Write", again, vfs.ErrNoSpace)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	check(t, log.Close())
	wantContent(t, fs, "000001.log", synced)

	// Others go on.
	want := writeFile(t, fs, "000002.log", 2000)
	wantContent(t, fs, "000002.log", want)
	check(t, fs.Close())
	fs = openAgain(t, t.Name())
	wantContent(t, fs, "000001.log", synced)
	wantContent(t, fs, "000002.log", want)
}

// Chromium tells pages that there are 10 GiB, whatever it is.
func TestEstimateThatContradictsTheRefusalIsNotTold(t *testing.T) {
	fs := openStore(t)
	failCommits(t, 1, "QuotaExceededError")
	estimate(t, 1<<40, 9_000)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 5000)
	err := log.Sync(vfs.Relaxed)
	var noSpace *vfs.NoSpaceError
	if !errors.As(err, &noSpace) || noSpace.Available != -1 {
		t.Errorf("Sync: %v, want a NoSpaceError without an estimate", err)
	}
	check(t, log.Close())
}

// estimate makes the browser tell these figures.
func estimate(t *testing.T, quota, usage int) {
	answerEstimates(t, "resolve", map[string]any{"quota": quota, "usage": usage})
}

// estimateFails makes the browser tell nothing, as in an opaque origin.
func estimateFails(t *testing.T) {
	answerEstimates(t, "reject", js.Global().Get("TypeError").New("injected"))
}

// answerEstimates also works where there is no StorageManager, as in WebKitGTK.
func answerEstimates(t *testing.T, how string, answer any) {
	callback := js.FuncOf(func(js.Value, []js.Value) any { return js.Global().Get("Promise").Call(how, answer) })
	navigator, reflect := js.Global().Get("navigator"), js.Global().Get("Reflect")
	storage := map[string]any{"estimate": callback}
	reflect.Call("defineProperty", navigator, "storage", map[string]any{"value": storage, "configurable": true})
	t.Cleanup(func() {
		reflect.Call("deleteProperty", navigator, "storage")
		callback.Release()
	})
}

func TestBytesStreamedAheadOfAFailureAreDropped(t *testing.T) {
	fs := openStore(t)
	table, synced := startTable(t, fs, 1)
	write(t, table, streamSize)
	check(t, fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages); n != 1+streamSize/pageSize {
		t.Fatalf("%d records, want the stream to be stored", n)
	}
	failCommits(t, 1, "QuotaExceededError")
	write(t, table, 10)
	wantError(t, "Sync", table.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	check(t, table.Close(), fs.Close())

	fs = openAgain(t, t.Name())
	wantOnly(t, fs, "000001.ldb", synced)
}

func TestAbandonedWriterDropsWhatIsOnItsWay(t *testing.T) {
	fs := openStore(t)
	table, synced := startTable(t, fs, 2)
	write(t, table, streamSize)
	runtime.Gosched() // the stream's transaction begins
	table.(*writer).Abandon()
	wantError(t, "Sync", table.Sync(vfs.Relaxed), vfs.ErrIO)
	check(t, table.Close(), fs.drain())
	wantOnly(t, fs, "000001.ldb", synced)
}

// What is left behind the end of a log that nobody sealed is content to the next owner.
func TestDeletionOfWhatAFailureLeftIsTriedAgain(t *testing.T) {
	fs := openStore(t)
	table, synced := startTable(t, fs, 1)
	write(t, table, streamSize)
	check(t, fs.drain())
	failCommits(t, 2, "DataError")
	write(t, table, 10)
	wantError(t, "Sync", table.Sync(vfs.Relaxed), vfs.ErrIO)
	wantError(t, "the deletion", fs.flush(vfs.Relaxed), vfs.ErrIO)
	check(t, fs.flush(vfs.Relaxed), table.Close(), fs.drain())
	wantOnly(t, fs, "000001.ldb", synced)
}

func TestFailureOfAStreamIsReportedByTheWriter(t *testing.T) {
	fs := openStore(t)
	table := must(fs.Create("000001.ldb"))(t)
	check(t, table.Sync(vfs.Relaxed))
	failCommits(t, 1, "QuotaExceededError")
	write(t, table, streamSize)
	check(t, fs.drain())
	_, err := table.Write([]byte("more"))
	wantError(t, "Write", err, vfs.ErrNoSpace)
	wantError(t, "Sync", table.Sync(vfs.Relaxed), vfs.ErrNoSpace)
	check(t, table.Close())
	wantContent(t, fs, "000001.ldb", nil)
}

func TestFullStorageCanBeEmptied(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", 100_000)
	check(t, fs.drain())
	must(fs.Create("000002.ldb"))(t) // waits to be entered in the directory
	refusePuts(t, func() bool { return true })
	check(t, fs.Remove("000001.ldb"))
	wantError(t, "the entry's change", fs.drain(), vfs.ErrNoSpace)
	if n := storedRecords(t, fs, fs.db.names.pages) + storedRecords(t, fs, fs.db.names.files); n != 0 {
		t.Errorf("%d records and entries are left", n)
	}
}

func TestFullStorageCanBeOpened(t *testing.T) {
	fs := openStore(t)
	want := writeFile(t, fs, "000001.ldb", 100_000)
	check(t, fs.Close())
	refusePuts(t, func() bool { return true })
	fs = openAgain(t, t.Name())
	lock := must(fs.Lock())(t)
	wantContent(t, fs, "000001.ldb", want)
	check(t, lock.Close())
}

func TestFailedRenameChangesNothing(t *testing.T) {
	fs := openStore(t)
	from := writeFile(t, fs, "000001.dbtmp", 100)
	to := writeFile(t, fs, "CURRENT", 50)
	failCommits(t, 1, "DataError")
	wantError(t, "Rename", fs.Rename("000001.dbtmp", "CURRENT"), vfs.ErrIO)
	wantContent(t, fs, "000001.dbtmp", from)
	wantContent(t, fs, "CURRENT", to)
	check(t, fs.Close())
	fs = openAgain(t, t.Name())
	wantContent(t, fs, "000001.dbtmp", from)
	wantContent(t, fs, "CURRENT", to)
}

func TestFileThatIsOpenForWritingIsNotRenamed(t *testing.T) {
	fs := openStore(t)
	w := must(fs.Create("000001.dbtmp"))(t)
	want := write(t, w, 100)
	check(t, w.Sync(vfs.Relaxed))
	wantError(t, "Rename", fs.Rename("000001.dbtmp", "CURRENT"), vfs.ErrIO)
	check(t, w.Close())
	wantContent(t, fs, "000001.dbtmp", want)
}

// The names that a rename gives back may have been taken while it was under way.
func TestFailedRenameLeavesTheNamesThatOthersHaveTaken(t *testing.T) {
	for _, taken := range []string{"000001.dbtmp", "CURRENT"} {
		t.Run(taken, func(t *testing.T) {
			fs := openStore(t)
			writeFile(t, fs, "000001.dbtmp", 100)
			check(t, fs.drain())
			failCommits(t, 1, "DataError")
			b := must(fs.rename("000001.dbtmp", "CURRENT"))(t)
			w := must(fs.Create(taken))(t)
			<-b.done
			wantError(t, "Rename", b.err, vfs.ErrIO)
			want := write(t, w, 10)
			check(t, w.Sync(vfs.Relaxed), w.Close(), fs.drain())
			if n := storedRecords(t, fs, fs.db.names.pages); n != 1 {
				t.Errorf("%d records are stored, want that of %s", n, taken)
			}
			wantContent(t, fs, taken, want)
			check(t, fs.Close())
			fs = openAgain(t, t.Name())
			wantContent(t, fs, taken, want)
			if infos := must(fs.List())(t); len(infos) != 1 {
				t.Errorf("there are %v, want %s alone", infos, taken)
			}
		})
	}
}

func TestLostConnectionIsMadeAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(t *testing.T, fs *FS)
	}{
		{"CloseEvent", func(_ *testing.T, fs *FS) {
			conn := fs.db.conn
			conn.Call("close")
			conn.Call("dispatchEvent", js.Global().Get("Event").New("close"))
		}},
		{"InvalidStateError", func(_ *testing.T, fs *FS) { fs.db.conn.Call("close") }},
		{"UnknownError", func(t *testing.T, _ *FS) { failCommits(t, 1, "UnknownError") }},
		{"TransactionInactiveError", func(t *testing.T, _ *FS) { failCommits(t, 1, "TransactionInactiveError") }},
		{"AbortError", func(t *testing.T, _ *FS) { failCommits(t, 1, "AbortError") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := openStore(t)
			lock := must(fs.Lock())(t)
			table := writeFile(t, fs, "000001.ldb", 3*pageSize)
			log := must(fs.Create("000002.log"))(t)
			want := write(t, log, 10)
			check(t, log.Sync(vfs.Strict))
			epoch := fs.epoch

			c.lose(t, fs)
			want = append(want, write(t, log, 20)...)
			check(t, log.Sync(vfs.Strict))
			c.lose(t, fs)
			wantContent(t, fs, "000001.ldb", table)
			check(t, log.Close())
			wantContent(t, fs, "000002.log", want)
			if l := must(fs.db.readDirectory())(t); l.epoch != epoch {
				t.Errorf("epoch is %d, want that of before, %d", l.epoch, epoch)
			}
			check(t, lock.Close())
		})
	}
}

func TestPersistentFailureIsReportedOnce(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 10)
	failCommits(t, 2, "UnknownError")
	wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrIO)
	check(t, log.Close())
	want := writeFile(t, fs, "000002.log", 10)
	wantContent(t, fs, "000002.log", want)
}

// A browser may carry out a transaction and lose the connection before it says so.
func TestCommitThatWasCarriedOutUnheardIsNotRepeated(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000001.log"))(t)
	check(t, log.Sync(vfs.Strict))

	times := 1
	patch(t, "IDBTransaction", "commit", func(this js.Value, args []js.Value, original js.Value) any {
		if times > 0 {
			times--
			handler := this.Get("onabort")
			this.Set("onabort", nil)
			var unheard js.Func
			unheard = js.FuncOf(func(this js.Value, _ []js.Value) any {
				giveError(this, "UnknownError")
				handler.Invoke(map[string]any{"type": "abort"})
				unheard.Release()
				return nil
			})
			this.Set("oncomplete", unheard)
		}
		return call(original, this, args)
	})
	want := write(t, log, 100)
	check(t, log.Sync(vfs.Strict), log.Close())
	wantContent(t, fs, "000001.log", want)
	check(t, lock.Close())
}

func TestMissingPageIsAnError(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.ldb", 4*pageSize)
	lost := recordKey(fs.names["000001.ldb"].id, 2)
	check(t, fs.pages.commit(&writes{deleted: []keyRange{{lost, lost + 1}}}))
	r := must(fs.Open("000001.ldb"))(t)
	p := make([]byte, pageSize)
	_, err := r.ReadAt(p, 0)
	check(t, err)
	_, err = r.ReadAt(p, 2*pageSize)
	wantError(t, "ReadAt", err, vfs.ErrDamaged)
	if _, err = r.ReadAt(p, 3*pageSize); err != nil && err != io.EOF {
		t.Error(err)
	}
	check(t, r.Close())
}

func TestStoreDeletedElsewhereIsClosed(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 10)
	check(t, Destroy(t.Name()))
	err := log.Sync(vfs.Relaxed)
	wantError(t, "Sync", err, vfs.ErrClosed)
	if want := errDeleted.Error(); err == nil || !errors.Is(err, errDeleted) {
		t.Errorf("Sync: %v, want %q", err, want)
	}
	_, err = fs.Create("000002.log")
	wantError(t, "Create", err, vfs.ErrClosed)
	check(t, log.Close(), fs.Close())
	if stores := must(List())(t); len(stores) != 0 {
		t.Errorf("the store came back: %v", stores)
	}
}

func TestTooManyRecordsAreRefused(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	fs.names["000001.log"].queued.records = maxRecords + 1
	_, err := fmt.Fprint(log, "one more")
	wantError(t, "Write", err, vfs.ErrIO)
	check(t, log.Close())
}
