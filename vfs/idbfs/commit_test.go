//go:build js && wasm

package idbfs

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestSyncOfALogIsOneTransactionWithOneRecord(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 10)
	check(t, log.Sync(vfs.Strict))

	before := fs.Metrics()
	for range 5 {
		write(t, log, 100)
		check(t, log.Sync(vfs.Relaxed))
	}
	wantMetrics(t, fs, before, Metrics{Commit: Traffic{Transactions: 5, Records: 5, Bytes: 500}})
	check(t, log.Close(), lock.Close())
}

// createLogs makes empty logs that are entered in the directory.
func createLogs(t *testing.T, fs *FS, n int) []vfs.Writer {
	t.Helper()
	writers := make([]vfs.Writer, n)
	for i := range writers {
		writers[i] = must(fs.Create(fmt.Sprintf("%06d.log", i)))(t)
		check(t, writers[i].Sync(vfs.Relaxed))
	}
	return writers
}

func TestConcurrentSyncsShareATransaction(t *testing.T) {
	fs := openStore(t)
	writers := createLogs(t, fs, 8)
	for _, w := range writers {
		write(t, w, 100)
	}
	before := fs.Metrics()
	var done sync.WaitGroup
	for _, w := range writers {
		done.Go(func() { check(t, w.Sync(vfs.Relaxed)) })
	}
	done.Wait()
	wantMetrics(t, fs, before, Metrics{Commit: Traffic{Transactions: 1, Records: 8, Bytes: 800}})
	for _, w := range writers {
		check(t, w.Close())
	}
}

// Firefox and WebKit take the failure of a record amiss in a transaction that is committed already.
func TestCommitOfWhichARecordFailsChangesNothing(t *testing.T) {
	fs := openStore(t)
	writers := createLogs(t, fs, 3)
	taken := recordKey(fs.names["000001.log"].id, 0)
	edit(t, func(tx *transaction) { tx.store(tx.db.names.pages).Call("add", 0, taken) })

	var done sync.WaitGroup
	for _, w := range writers {
		write(t, w, 100)
		done.Go(func() { wantError(t, "Sync", w.Sync(vfs.Relaxed), vfs.ErrLocked) })
	}
	done.Wait()
	if n := storedRecords(t, fs, fs.db.names.pages); n != 1 {
		t.Errorf("%d records are stored, want the one that was there", n)
	}
}

func TestSyncOfNothingNewMakesNoTransaction(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 10)
	check(t, log.Sync(vfs.Strict))
	before := fs.Metrics()
	check(t, log.Sync(vfs.Strict), log.Sync(vfs.Relaxed))
	wantMetrics(t, fs, before, Metrics{})
	check(t, log.Close())
}

func TestStrictSyncMakesRelaxedOnesStrict(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	write(t, log, 10)
	check(t, log.Sync(vfs.Relaxed))
	before := fs.Metrics()
	puts := 0
	patch(t, "IDBObjectStore", "put", func(this js.Value, args []js.Value, original js.Value) any {
		puts++
		return call(original, this, args)
	})
	check(t, log.Sync(vfs.Strict), log.Sync(vfs.Strict))
	wantMetrics(t, fs, before, Metrics{Directory: Traffic{Transactions: 1}})
	if puts != 1 { // a browser need not carry out a transaction that writes nothing
		t.Errorf("%d values were put, want 1", puts)
	}
	check(t, log.Close())
}

func TestDurabilityIsAskedForByName(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	asked := watchDurability(t)
	// The first goes another way than those behind it: it takes the entry of the file along.
	for _, d := range []vfs.Durability{vfs.Strict, vfs.Relaxed, vfs.Strict} {
		write(t, log, 10)
		check(t, log.Sync(d))
	}
	if got := fmt.Sprint(*asked); got != "[strict relaxed strict]" {
		t.Errorf("transactions were %s, want [strict relaxed strict]", got)
	}
	check(t, log.Close())
}

func TestRenameIsStrict(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.dbtmp", 16)
	check(t, fs.drain())
	asked := watchDurability(t)
	check(t, fs.Rename("000001.dbtmp", rootFile))
	if got := fmt.Sprint(*asked); got != "[strict]" {
		t.Errorf("transactions were %s, want [strict]", got)
	}
}

func TestSyncsThatShareATransactionHaveTheStricterDurability(t *testing.T) {
	for name, order := range map[string][]vfs.Durability{
		"StrictFirst": {vfs.Strict, vfs.Relaxed}, "RelaxedFirst": {vfs.Relaxed, vfs.Strict},
	} {
		t.Run(name, func(t *testing.T) {
			fs := openStore(t)
			log := must(fs.Create("000001.log"))(t)
			write(t, log, 10)
			asked := watchDurability(t)
			fs.mu.Lock()
			log.(*writer).flush()
			first, second := fs.join(order[0]), fs.join(order[1])
			fs.mu.Unlock()
			<-first.done
			<-second.done
			check(t, first.err, second.err)
			if got := fmt.Sprint(*asked); got != "[strict]" {
				t.Errorf("transactions were %s, want [strict]", got)
			}
			check(t, log.Close())
		})
	}
}

func TestWhatIsWrittenDuringASyncIsNotCoveredByIt(t *testing.T) {
	fs := openStore(t)
	table := must(fs.Create("000001.ldb"))(t)
	want := write(t, table, pageSize)
	synced := make(chan error, 1)
	go func() { synced <- table.Sync(vfs.Relaxed) }()
	for fs.commit.flying == nil {
		runtime.Gosched()
	}
	write(t, table, pageSize)
	check(t, <-synced)
	failCommits(t, 1, "DataError")
	wantError(t, "Sync", table.Sync(vfs.Relaxed), vfs.ErrIO)
	check(t, table.Close(), fs.drain())
	wantOnly(t, fs, "000001.ldb", want)
}

func TestWhatComesUpDuringASyncIsDoneBehindIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		begin func(t *testing.T, fs *FS, table vfs.Writer)
		want  int // records at the end
	}{
		{"Deletion", func(t *testing.T, fs *FS, _ vfs.Writer) { check(t, fs.Remove("000001.ldb")) }, 1},
		{"Stream", func(t *testing.T, _ *FS, table vfs.Writer) { write(t, table, streamSize) }, 2 + streamSize/pageSize},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := openStore(t)
			writeFile(t, fs, "000001.ldb", 10)
			log, table := must(fs.Create("000002.log"))(t), must(fs.Create("000003.ldb"))(t)
			check(t, log.Sync(vfs.Relaxed), fs.drain())
			write(t, log, 10)
			synced := make(chan error, 1)
			go func() { synced <- log.Sync(vfs.Relaxed) }()
			for fs.commit.flying == nil {
				runtime.Gosched()
			}
			c.begin(t, fs, table)
			check(t, <-synced)
			for turn := newTurn(t); storedRecords(t, fs, fs.db.names.pages) != c.want; {
				turn()
			}
			check(t, log.Close(), table.Close())
		})
	}
}

func TestTableIsStoredInPagesBeforeItsSync(t *testing.T) {
	fs := openStore(t)
	table := must(fs.Create("000001.ldb"))(t)
	content := write(t, table, streamSize+1000)
	check(t, fs.drain())
	if got := fs.Metrics().Commit.Bytes; got != streamSize {
		t.Errorf("%d bytes were committed ahead, want %d", got, streamSize)
	}
	check(t, table.Sync(vfs.Strict), table.Close())
	if f := fs.names["000001.ldb"]; !f.paged || f.committed.records != streamSize/pageSize+1 {
		t.Errorf("paged %v, %d records; want pages of %d bytes", f.paged, f.committed.records, pageSize)
	}
	wantContent(t, fs, "000001.ldb", content)
}

// From 64 KiB to 1 MiB a record costs five times as much as below.
func TestRecordsAvoidTheBrowsersBlobFiles(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	var want []byte
	for _, n := range []int{100, 63 << 10, 64 << 10, 200_000, 3<<20 + 70_000, 5} {
		want = append(want, write(t, log, n)...)
		check(t, log.Sync(vfs.Relaxed))
	}
	check(t, log.Close())
	all := fs.names["000001.log"].allRecords()
	records := must(fs.db.getAll(fs.db.conn, all))(t)
	for i := range records.Length() {
		if n := records.Index(i).Length(); n >= 60<<10 && n < 1<<20 {
			t.Errorf("record %d has %d bytes", i, n)
		}
	}
	wantContent(t, fs, "000001.log", want)
}

func TestSequentialReadTakesFewTransactions(t *testing.T) {
	fs := openStore(t)
	const pages = 40
	table := must(fs.Create("000001.ldb"))(t)
	want := write(t, table, pages*pageSize)
	check(t, table.Sync(vfs.Relaxed), table.Close())

	before := fs.Metrics()
	r := must(fs.Open("000001.ldb"))(t)
	got := make([]byte, len(want))
	for at := 0; at < len(got); at += 4096 {
		_, err := r.ReadAt(got[at:at+4096], int64(at))
		check(t, err)
	}
	check(t, r.Close())
	if !bytes.Equal(got, want) {
		t.Error("wrong bytes")
	}
	reads := fs.Metrics().Read
	if n := reads.Records - before.Read.Records; n != pages {
		t.Errorf("%d pages were read, want %d", n, pages)
	}
	if n := reads.Transactions - before.Read.Transactions; n > pages/2 {
		t.Errorf("%d transactions for %d pages in order, want at most %d", n, pages, pages/2)
	}
}

func TestPageCacheIsBounded(t *testing.T) {
	fs := openStore(t)
	want := writeFile(t, fs, "000001.ldb", 3*minCapacity*pageSize)
	wantContent(t, fs, "000001.ldb", want)
	if n := len(fs.cache.pages); n > minCapacity {
		t.Errorf("%d pages are kept, want at most %d", n, minCapacity)
	}
	if n := len(fs.cache.spare); n > spareBuffers {
		t.Errorf("%d buffers are kept, want at most %d", n, spareBuffers)
	}
}

func TestPagesWantedTogetherComeTogether(t *testing.T) {
	fs := openStore(t)
	table := must(fs.Create("000001.ldb"))(t)
	write(t, table, 64*pageSize)
	check(t, table.Sync(vfs.Relaxed), table.Close())
	r := must(fs.Open("000001.ldb"))(t)
	before := fs.Metrics()
	var done sync.WaitGroup
	for i := range 10 {
		done.Go(func() {
			_, err := r.ReadAt(make([]byte, 100), int64((60-6*i)*pageSize))
			check(t, err)
		})
	}
	done.Wait()
	if n := fs.Metrics().Read.Transactions - before.Read.Transactions; n != 1 {
		t.Errorf("10 pages at once took %d transactions, want 1", n)
	}
	check(t, r.Close())
}
