package tables

import (
	"errors"
	"sync"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
)

func TestTryAcquireFindsOpenTablesOnly(t *testing.T) {
	fs := newFS()
	writeTable(t, fs, 1, 0, 9)
	c := newCache(fs, 1<<20)
	before := len(fs.Ops())
	if _, err := c.TryAcquire(1); !errors.Is(err, base.ErrWouldWait) || len(fs.Ops()) != before {
		t.Errorf("%v, after %v", err, fs.Ops()[before:])
	}
	acquire(t, c, 1).Release()
	table, err := c.TryAcquire(1)
	if err != nil {
		t.Fatal(err)
	}
	table.Release()
	if n := c.Counters(); n.Misses != 1 || n.Hits != 1 || n.Bytes == 0 {
		t.Errorf("%+v", n)
	}
	c.Close()
}

func TestTableWantedByManyIsOpenedOnce(t *testing.T) {
	fs := newFS()
	writeTable(t, fs, 1, 0, 9)
	c := newCache(fs, 1<<20)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			table, err := c.Acquire(1)
			if err != nil {
				t.Error(err)
				return
			}
			defer table.Release()
			if _, _, found, err := table.Get(key(5), sstable.Wait); !found || err != nil {
				t.Errorf("%t, %v", found, err)
			}
		})
	}
	wg.Wait()
	if n := count(fs, faultfs.Open); n != 1 {
		t.Errorf("opened %d times", n)
	}
	c.Close()
	if n := count(fs, faultfs.CloseReader); n != 1 {
		t.Errorf("closed %d times", n)
	}
}

func TestCacheHoldsNoMoreThanItsCapacity(t *testing.T) {
	fs := newFS()
	for num := range base.FileNum(10) {
		writeTable(t, fs, num+1, 0, 99)
	}
	probe := newCache(fs, 1<<20)
	acquire(t, probe, 1).Release()
	one := probe.Counters().Bytes
	probe.Close()

	c := newCache(fs, 3*one)
	for round := range 3 {
		for num := range base.FileNum(10) {
			acquire(t, c, num+1).Release()
			if got := c.Counters().Bytes; got > 3*one {
				t.Fatalf("round %d: %d bytes, capacity %d", round, got, 3*one)
			}
		}
	}
	c.Close()
	if opened, closed := count(fs, faultfs.Open), count(fs, faultfs.CloseReader); opened != closed {
		t.Errorf("%d opened, %d closed", opened, closed)
	}
}

func TestTableInUseIsReadThoughEvicted(t *testing.T) {
	for name, evict := range map[string]func(c *Cache){
		"by others":     func(c *Cache) { acquire(t, c, 2).Release(); acquire(t, c, 3).Release() },
		"by name":       func(c *Cache) { c.Evict(1) },
		"by the end":    (*Cache).Close,
		"twice by name": func(c *Cache) { c.Evict(1); c.Evict(1) },
	} {
		fs := newFS()
		for num := range base.FileNum(3) {
			writeTable(t, fs, num+1, 0, 9)
		}
		c := newCache(fs, 1)
		table := acquire(t, c, 1)
		evict(c)
		if _, err := c.TryAcquire(1); !errors.Is(err, base.ErrWouldWait) {
			t.Errorf("%s: it is still in the cache: %v", name, err)
		}
		if _, _, found, err := table.Get(key(5), sstable.Wait); !found || err != nil {
			t.Errorf("%s: %t, %v", name, found, err)
		}
		table.Release()
		c.Close()
		if opened, closed := count(fs, faultfs.Open), count(fs, faultfs.CloseReader); opened != closed {
			t.Errorf("%s: %d opened, %d closed", name, opened, closed)
		}
	}
}

func TestBlocksOfAnEvictedTableLeaveTheBlockCache(t *testing.T) {
	fs := newFS()
	writeTable(t, fs, 1, 0, 9)
	c := newCache(fs, 1<<20)
	defer c.Close()
	table := acquire(t, c, 1)
	if _, _, _, err := table.Get(key(5), sstable.Wait); err != nil {
		t.Fatal(err)
	}
	table.Release()
	if n, _, _ := c.blocks.Metrics(); n == 0 {
		t.Fatal("the block is not cached")
	}
	c.Evict(1)
	if n, _, _ := c.blocks.Metrics(); n != 0 {
		t.Errorf("%d bytes of a table that is gone are cached", n)
	}
}

func TestNoMoreFilesAreOpenThanMayBe(t *testing.T) {
	fs := newFS()
	c := newCache(fs, 1<<30)
	defer c.Close()
	for num := range base.FileNum(maxOpen + 10) {
		writeTable(t, fs, num+1, 0, 0)
		acquire(t, c, num+1).Release()
	}
	if n := count(fs, faultfs.Open) - count(fs, faultfs.CloseReader); n != maxOpen {
		t.Errorf("%d tables are open, want %d", n, maxOpen)
	}
}

func TestUsedTableOutlivesUnusedOnes(t *testing.T) {
	fs := newFS()
	for num := range base.FileNum(20) {
		writeTable(t, fs, num+1, 0, 99)
	}
	c := newCache(fs, 1<<20)
	acquire(t, c, 1).Release()
	c.capacity = 4 * c.Counters().Bytes
	for num := base.FileNum(2); num <= 20; num++ {
		acquire(t, c, num).Release()
		acquire(t, c, 1).Release()
	}
	if n := c.Counters().Misses; n > 20+1 {
		t.Errorf("%d openings of 20 tables, one of which was used all the time", n)
	}
	c.Close()
}

func TestMissingTableIsCorruption(t *testing.T) {
	c := newCache(newFS(), 1<<20)
	var corrupt *base.CorruptionError
	if _, err := c.Acquire(7); !errors.As(err, &corrupt) || corrupt.File != "000007.ldb" {
		t.Errorf("%v", err)
	}
}

func TestTableThatCouldNotBeOpenedIsTriedAgain(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Open, faultfs.ReadAt} {
		fs := newFS()
		writeTable(t, fs, 1, 0, 9)
		c := newCache(fs, 1<<20)
		fs.SetRule(faultfs.On(faultfs.Kinds(kind), faultfs.Nth(0, faultfs.Fault{Err: vfs.ErrIO})))
		if _, err := c.Acquire(1); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("%v: %v", kind, err)
		}
		acquire(t, c, 1).Release()
		c.Close()
		if opened, closed := count(fs, faultfs.Open), count(fs, faultfs.CloseReader); kind == faultfs.ReadAt && opened != closed {
			t.Errorf("%d opened, %d closed", opened, closed)
		}
	}
}

func TestTableUnderItsOldNameIsOpened(t *testing.T) {
	fs := newFS()
	writeTable(t, fs, 1, 0, 9)
	if err := fs.Rename(base.FileName(base.FileTable, 1), base.OldTableName(1)); err != nil {
		t.Fatal(err)
	}
	c := newCache(fs, 1<<20)
	acquire(t, c, 1).Release()
	c.Close()
}

func TestConcurrentUseOfATinyCache(t *testing.T) {
	fs := newFS()
	for num := range base.FileNum(8) {
		writeTable(t, fs, num+1, 0, 20)
	}
	c := newCache(fs, 2000)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				num := base.FileNum((i*(worker+1))%8) + 1
				table, err := c.Acquire(num)
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, found, err := table.Get(key(i%21), sstable.Wait); !found || err != nil {
					t.Errorf("table %d, key %d: %t, %v", num, i%21, found, err)
				}
				table.Release()
				if i%50 == 0 {
					c.Evict(num)
				}
			}
		})
	}
	wg.Wait()
	c.Close()
	if opened, closed := count(fs, faultfs.Open), count(fs, faultfs.CloseReader); opened != closed {
		t.Errorf("%d opened, %d closed", opened, closed)
	}
}
