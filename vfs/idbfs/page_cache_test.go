//go:build js && wasm

package idbfs

import (
	"bytes"
	"runtime"
	"sync"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// roomyStore is a new store that keeps many pages.
func roomyStore(t testing.TB, pages int) *FS {
	t.Helper()
	check(t, openStore(t).Close())
	fs := must(Open(t.Name(), Options{CacheSize: int64(pages) * pageSize}))(t)
	t.Cleanup(func() { closeStore(t, fs) })
	return fs
}

// settle returns when all pages that are on their way have arrived.
func settle(fs *FS) {
	fs.mu.Lock()
	var coming []*page
	for _, p := range fs.cache.pages {
		coming = append(coming, p)
	}
	fs.mu.Unlock()
	for _, p := range coming {
		<-p.ready
	}
}

func TestTryReadTakesWhatIsInMemory(t *testing.T) {
	fs := openStore(t)
	want := writeFile(t, fs, "000001.ldb", 3*pageSize+100)
	r := must(fs.Open("000001.ldb"))(t).(vfs.TryReader)
	got := make([]byte, 100)
	if r.TryReadAt(got, 0) {
		t.Error("a page that was never read is in memory")
	}
	across := make([]byte, 200)
	_, err := r.ReadAt(across, 2*pageSize-100)
	check(t, err)
	for _, c := range []struct {
		offset, n int
		there     bool
	}{
		{pageSize, pageSize, true},
		{2*pageSize - 50, 100, true},
		{pageSize - 50, 100, false},
		{3*pageSize + 50, 100, false},
		{len(want), 1, false},
		{-1, 1, false},
	} {
		p := make([]byte, c.n)
		if there := r.TryReadAt(p, int64(c.offset)); there != c.there {
			t.Errorf("%d bytes at %d are there: %v, want %v", c.n, c.offset, there, c.there)
		} else if there && !bytes.Equal(p, want[c.offset:c.offset+c.n]) {
			t.Errorf("wrong bytes at %d", c.offset)
		}
	}
	fs.mu.Lock()
	if r.TryReadAt(got, pageSize) {
		t.Error("it took a lock that another goroutine holds")
	}
	fs.mu.Unlock()
	check(t, r.Close())
	if r.TryReadAt(got, pageSize) {
		t.Error("a closed reader reads")
	}
}

func TestTryReadTakesNoPageThatIsOnItsWay(t *testing.T) {
	fs := openStore(t)
	want := writeFile(t, fs, "000001.ldb", 2*pageSize)
	r := must(fs.Open("000001.ldb"))(t)
	got, read := make([]byte, 100), make(chan error, 1)
	go func() {
		_, err := r.ReadAt(got, pageSize)
		read <- err
	}()
	for len(fs.cache.pages) == 0 {
		runtime.Gosched()
	}
	if r.(vfs.TryReader).TryReadAt(make([]byte, 100), pageSize) {
		t.Error("a page was read before it was there")
	}
	check(t, <-read)
	if !bytes.Equal(got, want[pageSize:pageSize+100]) {
		t.Error("wrong bytes")
	}
	fs.mu.Lock()
	fs.die(vfs.ErrLocked)
	fs.mu.Unlock()
	if r.(vfs.TryReader).TryReadAt(make([]byte, 100), pageSize) {
		t.Error("one that lost its lock reads")
	}
	check(t, r.Close())
}

func TestPagesThatAreOnTheirWayKeepTheirPlace(t *testing.T) {
	fs := openStore(t)
	const pages = 3 * minCapacity
	want := writeFile(t, fs, "000001.ldb", pages*pageSize)
	r := must(fs.Open("000001.ldb"))(t)
	table := must(fs.Create("000002.ldb"))(t)
	var written []byte // while most pages are yet to come
	var done sync.WaitGroup
	for i := range pages {
		at := (i * 7 % pages) * pageSize
		done.Go(func() {
			got := make([]byte, pageSize)
			_, err := r.ReadAt(got, int64(at))
			if check(t, err); !bytes.Equal(got, want[at:at+pageSize]) {
				t.Errorf("wrong bytes at %d", at)
			}
			if i == pagesAtOnce/2 {
				written = write(t, table, streamSize-pageSize)
			}
		})
	}
	done.Wait()
	check(t, r.Close(), table.Sync(vfs.Relaxed), table.Close())
	wantContent(t, fs, "000002.ldb", written)
}

func TestPageThatFailedToBeReadIsReadAgain(t *testing.T) {
	fs := openStore(t)
	want := writeFile(t, fs, "000001.ldb", 2*pageSize)
	r := must(fs.Open("000001.ldb"))(t)
	failing := true
	patch(t, "IDBObjectStore", "get", func(this js.Value, args []js.Value, original js.Value) any {
		request := call(original, this, args)
		if failing {
			giveError(this.Get("transaction"), "DataError")
			this.Get("transaction").Call("abort")
		}
		return request
	})
	got := make([]byte, 100)
	_, err := r.ReadAt(got, pageSize)
	wantError(t, "ReadAt", err, vfs.ErrIO)
	failing = false
	_, err = r.ReadAt(got, pageSize)
	check(t, err, r.Close())
	if !bytes.Equal(got, want[pageSize:pageSize+100]) {
		t.Error("wrong bytes")
	}
}

func TestPagesComeWithTheirNeighboursWhileThereIsRoom(t *testing.T) {
	const room = 2 * neighbours
	fs := roomyStore(t, minCapacity+room)
	want := writeFile(t, fs, "000001.ldb", 100*pageSize)
	check(t, fs.Close())
	fs = must(Open(t.Name(), Options{CacheSize: (minCapacity + room) * pageSize}))(t)
	t.Cleanup(func() { closeStore(t, fs) })
	r := must(fs.Open("000001.ldb"))(t)
	defer r.Close()
	got, turn := make([]byte, 100), newTurn(t)
	read := func(page, wantPages, wantTransactions int) {
		t.Helper()
		turn() // no transaction is there to go on in
		before := fs.Metrics().Read
		_, err := r.ReadAt(got, int64(page*pageSize))
		check(t, err)
		if !bytes.Equal(got, want[page*pageSize:page*pageSize+100]) {
			t.Errorf("wrong bytes of page %d", page)
		}
		settle(fs)
		reads := fs.Metrics().Read.minus(before)
		if int(reads.Records) != wantPages || int(reads.Transactions) != wantTransactions {
			t.Errorf("page %d took %d pages in %d transactions, want %d in %d",
				page, reads.Records, reads.Transactions, wantPages, wantTransactions)
		}
	}
	read(13, neighbours, 2)
	read(8, 0, 0)
	read(98, 4, 2) // the file ends
	read(50, 1, 1) // there is no room any more
}

func TestPagesAreThereWhenTheyWereWritten(t *testing.T) {
	fs := roomyStore(t, 2*minCapacity)
	want := writeFile(t, fs, "000001.ldb", 20*pageSize+100)
	before := fs.Metrics().Read
	r := must(fs.Open("000001.ldb"))(t).(vfs.TryReader)
	got := make([]byte, len(want))
	if !r.TryReadAt(got, 0) || !bytes.Equal(got, want) {
		t.Error("what was written is not in memory, or not as it was written")
	}
	if reads := fs.Metrics().Read.minus(before); reads.Records != 0 {
		t.Errorf("%d pages were read", reads.Records)
	}
	check(t, r.Close(), fs.Remove("000001.ldb"), fs.drain())
	if n := len(fs.cache.pages); n != 0 {
		t.Errorf("%d pages of a removed file are kept", n)
	}
}

func TestPagesThatFailedToBeWrittenAreNotThere(t *testing.T) {
	fs := roomyStore(t, 2*minCapacity)
	table := must(fs.Create("000001.ldb"))(t)
	synced := write(t, table, 2*pageSize)
	check(t, table.Sync(vfs.Relaxed))
	failCommits(t, 1, "DataError")
	write(t, table, 2*pageSize)
	wantError(t, "Sync", table.Sync(vfs.Relaxed), vfs.ErrIO)
	check(t, table.Close(), fs.drain())
	if n := len(fs.cache.pages); n != 2 {
		t.Errorf("%d pages are kept, want the two that were written", n)
	}
	wantContent(t, fs, "000001.ldb", synced)
}
