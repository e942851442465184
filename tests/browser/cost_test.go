//go:build js && wasm

package browser

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs/idbfs"
)

// costOf returns what f does in the database.
func costOf(t *testing.T, fs *idbfs.FS, f func() error) idbfs.Metrics {
	t.Helper()
	before := fs.Metrics()
	if err := f(); err != nil {
		t.Fatal(err)
	}
	now := fs.Metrics()
	return idbfs.Metrics{
		Read:      minus(now.Read, before.Read),
		Commit:    minus(now.Commit, before.Commit),
		Directory: minus(now.Directory, before.Directory),
		Delete:    minus(now.Delete, before.Delete),
	}
}

func minus(a, b idbfs.Traffic) idbfs.Traffic {
	return idbfs.Traffic{
		Transactions: a.Transactions - b.Transactions,
		Records:      a.Records - b.Records,
		Bytes:        a.Bytes - b.Bytes,
	}
}

func openDB(t *testing.T, fs *idbfs.FS, o engine.Options) *engine.DB {
	t.Helper()
	db, err := engine.Open(fs, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestPutIsOneTransactionWithOneRecord(t *testing.T) {
	fs := (&stores{}).open(t)
	db := openDB(t, fs, engine.Options{})
	put := func() error { return db.Put([]byte("key"), make([]byte, 100), engine.Relaxed) }
	costOf(t, fs, put) // enters the log in the directory
	got := costOf(t, fs, put)
	got.Commit.Bytes = 0
	if want := (idbfs.Metrics{Commit: idbfs.Traffic{Transactions: 1, Records: 1}}); got != want {
		t.Errorf("a put costs %+v, want %+v", got, want)
	}
}

func TestPutsAtOnceShareTransactions(t *testing.T) {
	fs := (&stores{}).open(t)
	db := openDB(t, fs, engine.Options{})
	const puts = 1000
	got := costOf(t, fs, func() error {
		done := make(chan error, puts)
		for i := range puts {
			var b engine.Batch
			if err := b.Put(fmt.Appendf(nil, "%06d", i), make([]byte, 100)); err != nil {
				return err
			}
			if err := db.ApplyAsync(&b, engine.Relaxed, func(err error) { done <- err }); err != nil {
				return err
			}
		}
		for range puts {
			if err := <-done; err != nil {
				return err
			}
		}
		return nil
	})
	if n := got.Commit.Transactions; n > 2 {
		t.Errorf("%d puts at once cost %d transactions, want at most 2", puts, n)
	}
}

func TestFlushAndScanTakeFewTransactions(t *testing.T) {
	fs := (&stores{}).open(t)
	db := openDB(t, fs, engine.Options{BlockCacheSize: -1})
	const entries, pages = 10_000, 37 // a page has 32 KiB
	var b engine.Batch
	for i := range entries {
		value := make([]byte, 200)
		for j := range 100 { // the other half can be compressed
			value[j] = byte(i * (j + 7) >> (j % 8))
		}
		if err := b.Put(fmt.Appendf(nil, "%06d", i), value); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Apply(&b, engine.Relaxed); err != nil {
		t.Fatal(err)
	}
	flush := costOf(t, fs, db.Flush)
	if flush.Commit.Records > pages+3 || flush.Commit.Transactions > 6 || flush.Directory.Transactions > 2 {
		t.Errorf("a flush costs %+v", flush)
	}
	scan := costOf(t, fs, func() error {
		it, err := db.NewIterator(engine.IterOptions{})
		if err != nil {
			return err
		}
		n := 0
		for valid := it.First(); valid; valid = it.Next() {
			n++
		}
		if n != entries {
			return fmt.Errorf("%d entries", n)
		}
		return it.Close()
	})
	if scan.Read.Records > pages+1 || scan.Read.Transactions > 6 || scan.Commit.Transactions > 0 {
		t.Errorf("a scan costs %+v", scan)
	}
}
