//go:build !js

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb/opt"
)

// goldenContent is what golden/generate.cc writes into every directory: keep the two alike.
func goldenContent(t *testing.T) *history {
	const keys, rounds = 600, 4
	c := newHistory(t)
	for round := range rounds {
		for i := range keys {
			key := goldenKey(i)
			c.used = append(c.used, key)
			switch {
			case (i+round)%3 == 0:
				c.stored[key] = goldenValue(i, round)
			case i*7%13 == round:
				delete(c.stored, key)
			}
		}
	}
	c.stored["large"] = goldenLargeValue(rounds - 1)
	c.used = append(c.used, "large")
	return c
}

func goldenKey(i int) string {
	switch i % 50 {
	case 0:
		return strings.Repeat("\xff", 1+i/50)
	case 1:
		return strings.Repeat("\x00", 1+i/50)
	}
	return fmt.Sprintf("key%05d", i*7919%100000)
}

func goldenValue(i, round int) string {
	return strings.Repeat("value "+strconv.Itoa(i)+" of round "+strconv.Itoa(round)+"\n", i%7)
}

func goldenLargeValue(round int) string {
	value := make([]byte, 34000)
	state := uint32(12345 + round)
	for i := range value {
		state = state*1103515245 + 12345
		value[i] = byte(state >> 16)
	}
	return string(value)
}

func TestVarveReadsAndContinuesWhatLevelDBWrote(t *testing.T) {
	for _, c := range []struct {
		dir    string
		tables [3]int // in the first levels
	}{
		{"snappy", [3]int{3}},
		{"plain-filter", [3]int{3}},
		{"levels", [3]int{1, 0, 1}},
	} {
		t.Run(c.dir, func(t *testing.T) {
			dir, content := t.TempDir(), goldenContent(t)
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("golden", c.dir))); err != nil {
				t.Fatal(err)
			}
			withVarve(t, dir, nil, func(s varveStore) {
				m := s.Metrics()
				for level, want := range c.tables {
					if got := m.Levels[level].Files; got != want {
						t.Errorf("%d tables in level %d, want %d", got, level, want)
					}
				}
				if m.MemtableBytes < 34000 {
					t.Errorf("memtable of %d bytes: the log was not replayed", m.MemtableBytes)
				}
				expect(t, s, content)
				fill(t, s, content.rng, content.draw(500))
				expect(t, s, content)
			})
			withVarve(t, dir, nil, func(s varveStore) {
				expect(t, s, content)
				compactVarve(t, s, content)
				expect(t, s, content)
			})
			withGoleveldb(t, dir, opt.Options{}, func(s goleveldbStore) { expect(t, s, content) })
		})
	}
}
