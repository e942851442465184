package session

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

func TestMemoryIsSharedOut(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		storage, budget string
		engine, cache   int64
	}{
		{"", "", 32 * mib, 8 * mib},
		{"", "10485760", 8 * mib, 2 * mib},
		{"", "1048576", mib, 0}, // the least that an engine takes
		{"", "1000", 1000, 0},   // which is refused when the store is opened
		{"memory", "10485760", 10 * mib, 0},
	} {
		var entries []frame.Entry
		for name, text := range map[string]string{"storage": c.storage, "memoryBudget": c.budget} {
			if text != "" {
				entries = append(entries, frame.Entry{Key: []byte(name), Value: []byte(text)})
			}
		}
		o, err := parseOptions(entries)
		if err != nil || o.engine.MemoryBudget != c.engine || o.cacheSize != c.cache {
			t.Errorf("%q of %q is shared out as %d and %d (%v), want %d and %d",
				c.budget, c.storage, o.engine.MemoryBudget, o.cacheSize, err, c.engine, c.cache)
		}
	}
}

// One that stays open would keep its name from being opened again, or destroyed.
func TestOpenThatFailsClosesItsFileSystem(t *testing.T) {
	fs := faultfs.New(keepOpen{memfs.New()}, nil)
	c := newClient(t)
	c.fs = fs
	c.open()
	c.do(frame.Close, 0, "")
	before := len(fs.Ops())
	checkValues(t, "open", c.await(c.askOpen("errorIfExists", "true")), fmt.Sprintf("error %d", frame.Exists))
	if ops := fs.Ops()[before:]; ops[len(ops)-1].Kind != faultfs.Close {
		t.Errorf("its last operations: %v", ops)
	}
}
