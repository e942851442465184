package session

import (
	"testing"

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
