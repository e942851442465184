package tables

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

func newFS() *faultfs.FS { return faultfs.New(memfs.New(), nil) }

func newCache(fs vfs.FS, capacity int64) *Cache {
	return New(fs, capacity, cache.New(1<<20), &sstable.Counters{})
}

func key(user int) []byte {
	return base.AppendInternalKey(nil, fmt.Appendf(nil, "%04d", user), 1, base.KindPut)
}

// writeTable makes the table num of the keys from first to last.
func writeTable(t *testing.T, fs vfs.FS, num base.FileNum, first, last int) *manifest.Table {
	t.Helper()
	file, err := fs.Create(base.FileName(base.FileTable, num))
	if err != nil {
		t.Fatal(err)
	}
	w := sstable.NewWriter(file, sstable.WriterOptions{BlockSize: 100})
	for user := first; user <= last; user++ {
		if err := w.Add(key(user), fmt.Appendf(nil, "value %d", user)); err != nil {
			t.Fatal(err)
		}
	}
	stats, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Sync(vfs.Strict); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return &manifest.Table{Num: num, Size: stats.Size, Smallest: stats.Smallest, Largest: stats.Largest}
}

func acquire(t *testing.T, c *Cache, num base.FileNum) *Table {
	t.Helper()
	table, err := c.Acquire(num)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func count(fs *faultfs.FS, kind faultfs.Kind) (n int) {
	for _, op := range fs.Ops() {
		if op.Kind == kind {
			n++
		}
	}
	return n
}
