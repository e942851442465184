package engine

import (
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/vfs/memfs"
)

func TestOptionsOutOfRangeAreRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"a tiny memory budget":             {MemoryBudget: 1<<20 - 1},
		"a negative memory budget":         {MemoryBudget: -1},
		"both ErrorIfMissing and -Exists":  {ErrorIfMissing: true, ErrorIfExists: true},
		"a negative memtable size":         {MemtableSize: -1},
		"a negative block size":            {BlockSize: -1},
		"a negative restart interval":      {RestartInterval: -1},
		"a negative table size":            {TableSize: -1},
		"a negative level size":            {BaseLevelSize: -1},
		"a negative number of compactions": {Compactions: -1},
		"a negative compaction threshold":  {L0CompactionFiles: -1},
		"a stop before compaction":         {L0CompactionFiles: 13},
		"a stop before compaction, given":  {L0CompactionFiles: 3, L0StopFiles: 2},
	} {
		fs := memfs.New()
		db, err := Open(fs, &o)
		if err == nil {
			t.Errorf("%s was taken", name)
			err = db.Close()
			if err != nil {
				t.Error(err)
			}
			continue
		}
		expect(t, name, err, ErrInvalidArgument)
		if lock, err := fs.Lock(); err != nil {
			t.Errorf("%s: the lock is not free: %v", name, err)
		} else if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDefaultsStayWithinTheMemoryBudget(t *testing.T) {
	for _, budget := range []int64{0, 1 << 20, 8 << 20, 32 << 20, 1 << 30} {
		o, err := (&Options{MemoryBudget: budget}).withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		memtables := int64(1+maxImmutables) * int64(o.MemtableSize)
		tables := o.MemoryBudget / 8
		if sum := memtables + o.BlockCacheSize + tables; sum > o.MemoryBudget {
			t.Errorf("budget %d: memtables %d, blocks %d, tables %d", o.MemoryBudget, memtables, o.BlockCacheSize, tables)
		}
	}
}

func TestNilOptionsAreTheDefaults(t *testing.T) {
	db, err := Open(memfs.New(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if db.opts.TableSize != 2<<20 || db.opts.L0StopFiles != 12 || db.opts.Compression != Snappy {
		t.Errorf("%+v", db.opts)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestYieldIsCalledByLongWork(t *testing.T) {
	var yields atomic.Int64
	o := smallOptions()
	o.Yield = func() bool { yields.Add(1); return false }
	f := newFixture(t, o)
	yieldsIn := func(run func()) bool {
		before := yields.Load()
		run()
		return yields.Load() > before
	}
	compacting, verifying := false, false
	for n := 1000; !compacting || !verifying; n *= 2 {
		f.load(n, 10)
		compacting = yieldsIn(func() { f.must(f.Compact(nil, nil)) })
		verifying = yieldsIn(func() {
			_, err := f.Verify()
			f.must(err)
		})
	}
}
