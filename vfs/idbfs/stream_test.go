//go:build js && wasm

package idbfs

import (
	"bytes"
	"fmt"
	"runtime"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// startStreams makes a table with two synced pages, and lets further pages be on their way in as
// many transactions as may be.
func startStreams(t *testing.T, fs *FS) (table vfs.Writer, synced, streamed []byte) {
	table, synced = startTable(t, fs, 2)
	for range streamsAtOnce + 1 {
		streamed = append(streamed, write(t, table, streamSize)...)
	}
	runtime.Gosched()
	if n := len(fs.commit.streaming); n != streamsAtOnce {
		t.Errorf("%d transactions of pages are under way, want %d", n, streamsAtOnce)
	}
	return table, synced, streamed
}

func TestStreamsThatAreUnderWayTogetherKeepTheirOrder(t *testing.T) {
	fs := openStore(t)
	table, synced, streamed := startStreams(t, fs)
	check(t, table.Sync(vfs.Relaxed), table.Close())
	if n := len(fs.commit.streaming); n != 0 {
		t.Errorf("%d transactions of pages are under way after a Sync", n)
	}
	wantContent(t, fs, "000001.ldb", append(synced, streamed...))
}

func TestStreamBehindAFailedOneIsDropped(t *testing.T) {
	fs := openStore(t)
	table, synced := startTable(t, fs, 2)
	failCommits(t, 1, "DataError")
	write(t, table, streamsAtOnce*streamSize)
	wantError(t, "Sync", table.Sync(vfs.Relaxed), vfs.ErrIO)
	check(t, table.Close(), fs.drain())
	wantOnly(t, fs, "000001.ldb", synced)
}

func TestFirstPagesOfATableComeWithItsEntry(t *testing.T) {
	fs := openStore(t)
	table := must(fs.Create("000001.ldb"))(t)
	var added []string
	patch(t, "IDBObjectStore", "add", func(this js.Value, args []js.Value, original js.Value) any {
		added = append(added, this.Get("name").String())
		return call(original, this, args)
	})
	write(t, table, streamSize)
	check(t, fs.drain())
	if len(added) == 0 || added[0] != filesStore {
		t.Errorf("what was added went to %q, want the entry to come first", added)
	}
	check(t, table.Close())
}

func TestPagesOfADeadWriterAreNotWritten(t *testing.T) {
	fs := openStore(t)
	table, synced := startTable(t, fs, 2)
	added := 0
	patch(t, "IDBObjectStore", "add", func(this js.Value, args []js.Value, original js.Value) any {
		added++
		return call(original, this, args)
	})
	failCommits(t, 1, "DataError")
	write(t, table, (streamsAtOnce+2)*streamSize)
	check(t, fs.drain())
	if want := streamsAtOnce * streamSize / pageSize; added != want {
		t.Errorf("%d pages were added, want the %d that were under way with those that failed", added, want)
	}
	check(t, table.Close(), fs.drain())
	wantOnly(t, fs, "000001.ldb", synced)
}

func TestSyncWaitsForAStreamThatIsTriedAgain(t *testing.T) {
	fs := openStore(t)
	dropFile(t, fs, "000009.ldb") // so that what is refused is tried again
	table, want := startTable(t, fs, 2)
	failCommits(t, 1, "QuotaExceededError")
	want = append(want, write(t, table, streamsAtOnce*streamSize)...)
	check(t, table.Sync(vfs.Relaxed))
	if n := storedRecords(t, fs, fs.db.names.pages); n != len(want)/pageSize {
		t.Errorf("%d records are stored when they are synced, want %d", n, len(want)/pageSize)
	}
	check(t, table.Close())
	wantContent(t, fs, "000001.ldb", want)
}

func TestPagesOfATableWaitForItsSyncWhileSpaceIsLow(t *testing.T) {
	fs := openStore(t)
	table, want := startTable(t, fs, 1)
	fs.mu.Lock()
	fs.headroom.low = true
	fs.mu.Unlock()
	want = append(want, write(t, table, streamsAtOnce*streamSize)...)
	check(t, fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages); n != 1 {
		t.Errorf("%d records are stored, want the one that was synced", n)
	}
	check(t, table.Sync(vfs.Relaxed), table.Close())
	wantOnly(t, fs, "000001.ldb", want)
}

// While the first of two streams is refused and tried again, the second may be stored. If the tab
// dies then, pages are missing from a table that was never synced.
func TestTableWithAGapKeepsNobodyFromOpeningTheStore(t *testing.T) {
	fs := withoutWebLock(openStore(t))
	lock := must(fs.Lock())(t)
	writeFile(t, fs, "000009.ldb", 1000)
	check(t, fs.Remove("000009.ldb"), fs.drain()) // so that what is refused is tried again
	kept := writeFile(t, fs, "000002.log", 1000)
	table, _ := startTable(t, fs, 2)
	failCommits(t, 1, "QuotaExceededError")
	turn := newTurn(t)
	write(t, table, 2*streamSize)
	for storedRecords(t, fs, fs.db.names.pages) != 1+2+streamSize/pageSize {
		turn()
	}
	crash(fs)
	check(t, lock.(*storeLock).web.Close())

	fs = openAgain(t, t.Name())
	lock = must(fs.Lock())(t)
	infos, err := fs.List()
	check(t, err)
	if len(infos) != 2 || infos[1].Name != "000002.log" || infos[1].Size != 1000 {
		t.Errorf("there are %v, want the table and the log", infos)
	}
	wantContent(t, fs, "000002.log", kept)
	_, err = fs.Open("000001.ldb")
	wantError(t, "Open of the table", err, vfs.ErrDamaged)
	check(t, fs.Remove("000001.ldb"), fs.drain(), lock.Close())
}

// A gap in a log is damage.
func TestLogIsStreamedOneTransactionAfterTheOther(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	turn := newTurn(t)
	want := write(t, log, 4*streamSize)
	for len(fs.commit.streams)+len(fs.commit.streaming) > 0 {
		runtime.Gosched()
		if n := len(fs.commit.streaming); n > 1 {
			t.Fatalf("%d transactions of a log are under way", n)
		}
		turn()
	}
	check(t, log.Sync(vfs.Relaxed), log.Close())
	wantContent(t, fs, "000001.log", want)
}

func TestTheRoomierTheCacheTheMoreIsFetchedAhead(t *testing.T) {
	const pages = 4 * maxWindow
	for _, c := range []struct{ capacity, least, most int }{
		{minCapacity, minCapacity / 4, minCapacity / 2},
		{4 * minCapacity, maxWindow / 2, maxWindow},
	} {
		t.Run(fmt.Sprint(c.capacity), func(t *testing.T) {
			fs := openStore(t)
			writeFile(t, fs, "000001.ldb", pages*pageSize)
			check(t, fs.Close()) // lest what was written is there
			fs = must(Open(t.Name(), Options{CacheSize: int64(c.capacity) * pageSize}))(t)
			t.Cleanup(func() { closeStore(t, fs) })
			r := must(fs.Open("000001.ldb"))(t)
			ahead := 0
			got := make([]byte, pageSize)
			for at := 0; at < pages*pageSize; at += pageSize {
				_, err := r.ReadAt(got, int64(at))
				check(t, err)
				ahead = max(ahead, fs.cache.ahead)
			}
			if ahead <= c.least || ahead > c.most {
				t.Errorf("at most %d pages were fetched ahead, want more than %d and at most %d", ahead, c.least, c.most)
			}
			check(t, r.Close())
		})
	}
}

func TestReadersSideBySideReadEachPageOnce(t *testing.T) {
	fs := openStore(t)
	const readers, pages = 4, 80
	var files []vfs.Reader
	var wants [][]byte
	for i := range readers {
		name := fmt.Sprintf("%06d.ldb", i+1)
		wants = append(wants, writeFile(t, fs, name, pages*pageSize))
		files = append(files, must(fs.Open(name))(t))
	}
	before := fs.Metrics()
	got := make([]byte, pageSize)
	for at := 0; at < pages*pageSize; at += pageSize {
		for i, r := range files {
			_, err := r.ReadAt(got, int64(at))
			check(t, err)
			if !bytes.Equal(got, wants[i][at:at+pageSize]) {
				t.Fatalf("wrong bytes at %d of file %d", at, i+1)
			}
			if most := fs.cache.maxAhead(); fs.cache.ahead > most {
				t.Fatalf("%d pages are fetched ahead, want at most %d", fs.cache.ahead, most)
			}
		}
	}
	for _, r := range files {
		check(t, r.Close())
	}
	reads := fs.Metrics().Read.minus(before.Read)
	if reads.Records != readers*pages {
		t.Errorf("%d pages were read, want %d", reads.Records, readers*pages)
	}
	if reads.Transactions > readers*pages/2 {
		t.Errorf("%d transactions for %d pages", reads.Transactions, readers*pages)
	}
	if fs.cache.ahead != 0 {
		t.Errorf("%d pages count as fetched ahead when all are read", fs.cache.ahead)
	}
}
