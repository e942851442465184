package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// fill puts so many bytes, which stay in the log when the store is closed.
func (f *fixture) fill(bytesPut int) {
	f.t.Helper()
	for i := range bytesPut >> 10 {
		f.must(f.Put(fmt.Appendf(nil, "%06d", i), bytes.Repeat([]byte{'v'}, 1<<10), Relaxed))
	}
}

// logBytes returns how much the logs hold.
func (f *fixture) logBytes() (n int64) {
	f.t.Helper()
	infos, err := f.medium.List()
	f.must(err)
	for _, info := range infos {
		if kind, _, _ := base.ParseFileName(info.Name); kind == base.FileLog {
			n += info.Size
		}
	}
	return n
}

func TestMuchThatWasReplayedIsReplayedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quietOptions())
	f.must(f.Put([]byte("in a table"), nil, Relaxed))
	f.must(f.Flush())
	f.fill(maxReplayed + 8<<10)
	f.reopen()
	for end := time.Now().Add(flushPause + flushPause/2); time.Now().Before(end); time.Sleep(flushPause / 50) {
		_, err := f.Get(nil, []byte("in a table"))
		f.must(err)
		if n := f.logBytes(); n < maxReplayed {
			t.Fatalf("the logs hold %d bytes while tables are read, want all that was put", n)
		}
	}
	for end := time.Now().Add(flushPause + 10*time.Second); f.logBytes() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the logs still hold %d bytes", f.logBytes())
		}
	}
	f.reopen()
	if value, err := f.Get(nil, []byte("000000")); err != nil || len(value) != 1<<10 {
		t.Errorf("Get gives %d bytes and %v", len(value), err)
	}
}

func TestLittleThatWasReplayedStaysInTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quietOptions())
	f.fill(maxReplayed / 2)
	f.reopen()
	time.Sleep(flushPause + flushPause/4)
	if n := f.logBytes(); n < maxReplayed/2 {
		t.Errorf("the logs hold %d bytes, want all that was put", n)
	}
}

// To flush takes space that is kept for deletes then.
func TestWhereSpaceIsShortWhatWasReplayedStaysInTheLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quietOptions())
	f.fill(maxReplayed + 8<<10)
	f.must(f.Close())
	full := &faultfs.Full{FS: f.medium}
	full.Short.Store(true)
	db, err := Open(full, &f.options)
	f.must(err)
	f.DB = db
	time.Sleep(2*flushPause + flushPause/4)
	if n := f.logBytes(); n < maxReplayed {
		t.Errorf("the logs hold %d bytes, want all that was put", n)
	}
	full.Short.Store(false)
	for end := time.Now().Add(flushPause + 10*time.Second); f.logBytes() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the logs still hold %d bytes when there is space again", f.logBytes())
		}
	}
}

// longLog leaves a log that fills many memtables of the store when it is opened again, and returns
// what the store holds.
func (f *fixture) longLog() (want []string) {
	f.t.Helper()
	for i := range 600 {
		f.must(f.Put(numberedKey(i%200), fmt.Appendf(nil, "%0100d", i), Deferred))
	}
	for i := range 200 {
		want = append(want, fmt.Sprintf("%s=%0100d", numberedKey(i), 400+i))
	}
	f.must(f.Close())
	f.options.MemtableSize, f.options.L0CompactionFiles, f.options.L0StopFiles = 4<<10, 4, 8
	return want
}

// recovered returns a store that was recovered, in which nothing runs in the background.
func (f *fixture) recovered(fs vfs.FS) *DB {
	f.t.Helper()
	opts, err := f.options.withDefaults()
	f.must(err)
	db := newDB(fs, opts)
	f.must(db.recover())
	f.t.Cleanup(func() {
		db.tables.Close()
		f.must(db.manifest.Close())
	})
	return db
}

// hasAll fails the test unless the store in fs holds exactly want.
func (f *fixture) hasAll(fs vfs.FS, want []string) {
	f.t.Helper()
	db, err := Open(fs, &f.options)
	f.must(err)
	it, err := db.NewIterator(IterOptions{})
	f.must(err)
	if got := entries(it, it.First, it.Next); !slices.Equal(got, want) {
		f.t.Errorf("the store has %d entries, want %d, or other values", len(got), len(want))
	}
	f.must(errors.Join(it.Error(), it.Close(), db.Flush(), db.Check(), db.Close()))
}

func TestReplayHoldsNoMoreMemtablesThanAnOpenStore(t *testing.T) {
	f := newFixture(t, quietOptions())
	want := f.longLog()
	db := f.recovered(f.medium)
	m := db.Metrics()
	if m.Memtables > maxImmutables+1 || m.Levels[0].Files > f.options.L0StopFiles {
		t.Errorf("%d memtables, %d tables in level 0 after recovery", m.Memtables, m.Levels[0].Files)
	}
	f.hasAll(f.medium, want)
}

func TestCrashWhileWhatIsReplayedIsFlushedLosesNothing(t *testing.T) {
	f := newFixture(t, quietOptions())
	want := f.longLog()
	var pictures []*memfs.FS
	f.fs.OnOp(func(n int, _ faultfs.Op) {
		if n%7 == 0 {
			pictures = append(pictures, f.medium.Crash(memfs.Keep{PowerLoss: true}))
		}
	})
	f.recovered(f.fs)
	for _, crashed := range pictures {
		f.hasAll(crashed, want)
	}
}

// Reads and deletes, which make room, need an open store.
func TestStoreOpensThoughWhatIsReplayedCannotBeFlushed(t *testing.T) {
	for _, kind := range []base.FileKind{base.FileTable, base.FileManifest} {
		f := newFixture(t, quietOptions())
		want := f.longLog()
		f.fs.SetRule(failing(onKind(kind, faultfs.Create, faultfs.Write), 0))
		f.recovered(f.fs)
		f.fs.SetRule(nil)
		f.hasAll(f.medium, want)
	}
}

func TestOpenThatFailsAfterItFlushedWhatIsReplayedLosesNothing(t *testing.T) {
	f := newFixture(t, quietOptions())
	want := f.longLog()
	f.rewrite("000900.log", func([]byte) []byte { return f.logRecord(1, "key000000=old") })
	for range 3 {
		var corrupt *CorruptionError
		if err := f.openFails(); !errors.As(err, &corrupt) || corrupt.File != "000900.log" {
			t.Fatalf("%v, want damage of the later log", err)
		}
	}
	report, err := Repair(f.medium, &f.options)
	if err != nil || len(report.Problems) != 1 || len(report.Losses) > 0 {
		t.Fatalf("Repair = %v, %v", report, err)
	}
	f.hasAll(f.medium, want)
}

// editManifest applies an edit to a store that is closed.
func (f *fixture) editManifest(edit *manifest.Edit) {
	f.t.Helper()
	set, err := manifest.Load(f.medium)
	f.must(err)
	f.must(errors.Join(set.Apply(edit), set.Close()))
}

// Early versions of LevelDB name the log of the memtable that waits to be flushed apart.
func TestPreviousLogIsReplayed(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Close())
	_, num, _ := base.ParseFileName(f.names(base.FileLog)[0])
	f.editManifest(&manifest.Edit{LogNum: new(base.FileNum(900)), PrevLogNum: &num})
	f.rewrite("000900.log", func([]byte) []byte { return f.logRecord(2, "b=1") })
	f.open()
	f.holds(f, "a=1 b=1")
	f.must(f.Flush())
	f.crash()
	f.holds(f, "a=1 b=1")
}

// LevelDB's manifests count writes that are in the logs, of which a crash may have lost some.
func TestNumbersThatTheManifestCountsAreNotUsedAgain(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Close())
	const counted = 70
	f.editManifest(&manifest.Edit{LastSeq: new(base.Seq(counted))})
	f.open()
	f.put("b=1")
	if n := f.Metrics().LastSeq; n != counted+1 {
		t.Errorf("the first write has number %d, want %d", n, counted+1)
	}
	f.reopen()
	f.holds(f, "a=1 b=1")
}
