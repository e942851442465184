package session

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

// syncs returns the durabilities of the syncs of logs from operation number from on.
func syncs(fs *faultfs.FS, from int) string {
	var all []string
	for _, op := range fs.Ops()[from:] {
		if op.Kind == faultfs.Sync && strings.HasSuffix(op.Name, ".log") {
			all = append(all, map[vfs.Durability]string{vfs.Relaxed: "relaxed", vfs.Strict: "strict"}[op.Durability])
		}
	}
	return strings.Join(all, " ")
}

// addWrite adds a put, a del, a batch or a clear.
func (c *client) addWrite(what string, d frame.Durability) (id uint32) {
	id = c.newID()
	switch what {
	case "put":
		c.header(frame.Put, id, 0, 0, d, "k", "v")
	case "del":
		c.header(frame.Del, id, 0, 0, d, "k", "")
	case "batch":
		c.header(frame.Put, id, 0, frame.More, d, "k", "v")
		c.header(frame.Del, id, 0, 0, d, "l", "")
	case "clear":
		c.header(frame.Clear, id, 0, 0, d, "", "")
	}
	return id
}

func TestWritesAreSyncedAsTheyOrTheirStoreAsk(t *testing.T) {
	for _, test := range []struct {
		store string
		asked frame.Durability
		want  string
	}{
		{"relaxed", frame.DefaultDurability, "relaxed"},
		{"strict", frame.DefaultDurability, "strict"},
		{"relaxed", frame.Strict, "strict"},
		{"strict", frame.Relaxed, "relaxed"},
		{"deferred", frame.Relaxed, "relaxed"},
		{"deferred", frame.Strict, "strict"},
	} {
		for _, what := range []string{"put", "del", "batch", "clear"} {
			fs := faultfs.New(memfs.New(), nil)
			c := openClient(t, fs, "durability", test.store)
			first := c.newID()
			c.header(frame.Put, first, 0, 0, frame.Strict, "k", "old") // clear has something to do
			c.submit()
			checkValues(t, "first", c.await(first), "")
			before := len(fs.Ops())
			id := c.addWrite(what, test.asked)
			c.submit()
			checkValues(t, what, c.await(id), "")
			if got := syncs(fs, before); got != test.want {
				t.Errorf("%s of durability %d, %s by default: the log had the syncs %q, want %q", what, test.asked, test.store, got, test.want)
			}
		}
	}
}

func TestDeferredWritesAreAnsweredBeforeTheirLogIsSynced(t *testing.T) {
	for _, test := range []struct {
		store string
		asked frame.Durability
	}{{"deferred", frame.DefaultDurability}, {"strict", frame.Deferred}} {
		for _, what := range []string{"put", "del", "batch"} {
			fs := faultfs.New(memfs.New(), nil)
			c := openClient(t, fs, "durability", test.store)
			answered := make(chan struct{})
			fs.OnOp(func(_ int, op faultfs.Op) {
				if op.Kind == faultfs.Sync {
					<-answered
				}
			})
			id := c.addWrite(what, test.asked)
			c.submit()
			checkValues(t, what, c.await(id), "")
			close(answered)
		}
	}
}

func TestWritesOfOneFrameKeepTheirOwnDurabilities(t *testing.T) {
	fs := faultfs.New(memfs.New(), nil)
	c := openClient(t, fs)
	before := len(fs.Ops())
	strict, relaxed := c.addWrite("put", frame.Strict), c.addWrite("del", frame.Relaxed)
	c.submit()
	checkValues(t, "strict", c.await(strict), "")
	checkValues(t, "relaxed", c.await(relaxed), "")
	if got := syncs(fs, before); !strings.Contains(got, "strict") {
		t.Errorf("a strict put before a relaxed del had the syncs %q", got)
	}
}

func TestFlushIsStrict(t *testing.T) {
	fs := faultfs.New(memfs.New(), nil)
	c := openClient(t, fs, "durability", "deferred")
	c.put("k", "v")
	before := len(fs.Ops())
	checkValues(t, "flush", c.do(frame.Flush, 0, ""), "-")
	if got := syncs(fs, before); !strings.HasSuffix(got, "strict") {
		t.Errorf("a flush had the syncs %q", got)
	}
}

func TestWritesThatCantBeKeptAreFailures(t *testing.T) {
	for _, what := range []string{"put", "del", "batch", "clear"} {
		var full atomic.Bool
		fs := faultfs.New(memfs.New(), func(_ int, op faultfs.Op) *faultfs.Fault {
			if full.Load() && op.Kind == faultfs.Sync {
				return &faultfs.Fault{Err: vfs.ErrNoSpace}
			}
			return nil
		})
		c := openClient(t, fs)
		c.put("k", "old")
		full.Store(true)
		id := c.addWrite(what, frame.Strict)
		c.submit()
		if got := c.await(id); got[0].code != frame.NoSpace {
			t.Errorf("%s: %v, want NoSpace", what, got)
		}
		full.Store(false)
		checkValues(t, "get after a failed "+what, c.do(frame.Get, 0, "k"), "old")
	}
}

// What was deferred may be lost at the very end: then the close is the one to tell it.
func TestCloseTellsThatWhatWasDeferredIsLost(t *testing.T) {
	broken := errors.New("the medium is gone")
	var gone atomic.Bool
	fs := faultfs.New(memfs.New(), func(_ int, op faultfs.Op) *faultfs.Fault {
		if gone.Load() && op.Kind != faultfs.Close && op.Kind != faultfs.Unlock {
			return &faultfs.Fault{Err: broken}
		}
		return nil
	})
	c := newClient(t)
	c.fs = fs
	c.open("durability", "deferred")
	c.put("k", "kept") // makes the log
	gone.Store(true)
	c.put("k", "v")
	if got := c.do(frame.Close, 0, ""); got[0].code != frame.IO {
		t.Errorf("close: %v, want IO", got)
	}
}
