package engine

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
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
