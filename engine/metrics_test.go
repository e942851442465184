package engine

import (
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

func TestMetricsTellBytesWhereTheyWent(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(100, 100)
	f.must(f.Sync(Relaxed))
	m := f.Metrics()
	// An entry takes a kind, two lengths, a key of 9 bytes and a value.
	if want := int64(100 * (1 + 1 + 9 + 1 + 100)); m.UserBytes != want {
		t.Errorf("%d bytes written by users, want %d", m.UserBytes, want)
	}
	var written int64
	for _, op := range f.fs.Ops() {
		if logWrite(op) {
			written += int64(op.Length)
		}
	}
	if m.LogBytes != written || written == 0 {
		t.Errorf("%d bytes of log, %d were written", m.LogBytes, written)
	}
	if m.Memtables != 1 || m.MemtableBytes < 10_000 || m.LastSeq != 100 {
		t.Errorf("%d memtables of %d bytes, last sequence %d", m.Memtables, m.MemtableBytes, m.LastSeq)
	}
	f.must(f.Compact(nil, nil))
	m = f.Metrics()
	if m.Flushes != 1 || m.FlushBytes == 0 || m.Compactions == 0 || m.CompactionBytesRead != m.FlushBytes {
		t.Errorf("%d flushes of %d bytes, %d compactions of %d", m.Flushes, m.FlushBytes, m.Compactions, m.CompactionBytesRead)
	}
	if m.CompactionBytesWritten != f.storeSize() {
		t.Errorf("compactions wrote %d bytes, the tables have %d", m.CompactionBytesWritten, f.storeSize())
	}
}

func TestMetricsDescribeLevels(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("b=1", "d=1")
	f.must(f.Flush())
	f.put("a=1", "c=1")
	f.must(f.Flush())
	l := f.Metrics().Levels[0]
	if l.Files != 2 || string(l.Smallest) != "a" || string(l.Largest) != "d" {
		t.Errorf("%d files, %q to %q", l.Files, l.Smallest, l.Largest)
	}
	var size int64
	infos, err := f.medium.List()
	f.must(err)
	for _, info := range infos {
		if kind, _, _ := base.ParseFileName(info.Name); kind == base.FileTable {
			size += info.Size
		}
	}
	if l.Bytes != size {
		t.Errorf("%d bytes, the files have %d", l.Bytes, size)
	}
}

func TestMetricsCountWhatIsOpen(t *testing.T) {
	f := newFixture(t, quietOptions())
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	s, err := f.NewSnapshot()
	f.must(err)
	if m := f.Metrics(); m.Iterators != 1 || m.Snapshots != 1 {
		t.Errorf("%d iterators, %d snapshots", m.Iterators, m.Snapshots)
	}
	f.must(it.Close())
	f.must(s.Close())
	if m := f.Metrics(); m.Iterators != 0 || m.Snapshots != 0 {
		t.Errorf("%d iterators, %d snapshots", m.Iterators, m.Snapshots)
	}
}

func TestCachesStayWithinTheirCapacity(t *testing.T) {
	o := quietOptions()
	o.MemoryBudget, o.BlockCacheSize = 1<<20, 64<<10
	f := newFixture(t, o)
	for range 5 {
		f.load(2000, 100)
		f.must(f.Compact(nil, nil))
		for i := range 2000 {
			if _, err := f.Get(nil, numberedKey(i)); err != nil {
				t.Fatal(err)
			}
		}
		m := f.Metrics()
		if m.BlockCache.Bytes > m.BlockCache.Capacity || m.TableCache.Bytes > m.TableCache.Capacity {
			t.Errorf("blocks %+v, tables %+v", m.BlockCache, m.TableCache)
		}
		if m.BlockCache.Hits == 0 || m.BlockCache.Misses == 0 {
			t.Errorf("blocks %+v", m.BlockCache)
		}
	}
	if f.count(faultfs.Kinds(faultfs.Open)) == 0 {
		t.Error("no table was opened")
	}
}

func TestMetricsTellMemoryAndAmplification(t *testing.T) {
	o := quietOptions()
	f := newFixture(t, o)
	m := f.Metrics()
	if m.WriteAmplification() != 0 || m.ReadAmplification() != 0 {
		t.Errorf("an empty store amplifies writes %v and reads %v times", m.WriteAmplification(), m.ReadAmplification())
	}
	for range 2 {
		f.load(100, 100)
		f.must(f.Flush())
	}
	m = f.Metrics()
	if m.ReadAmplification() != 2 {
		t.Errorf("two tables of level 0 amplify reads %v times", m.ReadAmplification())
	}
	if got := m.WriteAmplification(); got < 1.5 || got > 3 {
		t.Errorf("a log and flushes amplify writes %v times", got)
	}
	arenas := m.ArenaBytes
	if arenas < m.MemtableBytes || m.MemoryBytes() != arenas+m.BlockCache.Bytes+m.TableCache.Bytes {
		t.Errorf("%d bytes of arenas for %d of entries, %d of memory", arenas, m.MemtableBytes, m.MemoryBytes())
	}
	f.must(f.Compact(nil, nil))
	m = f.Metrics()
	if m.ReadAmplification() != 1 {
		t.Errorf("one level amplifies reads %v times", m.ReadAmplification())
	}
}
