//go:build !js

package interop

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb/opt"

	"github.com/varvedb/varve/engine"
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

func TestLevelDBReadsAndContinuesWhatVarveWrote(t *testing.T) {
	visit := buildVisit(t)
	for _, c := range []struct {
		name    string
		writes  int
		options engine.Options
		compact bool
	}{
		{"log only", 200, engine.Options{MemtableSize: 16 << 20}, false},
		{"several tables in level 0 and a log", 2000, manyL0Files(engine.Options{}), false},
		{"several levels and a log", 3000, smallLevels(engine.Options{}), false},
		{"compacted", 2500, smallLevels(engine.Options{}), true},
		{"compacted, without compression and filter", 3000,
			smallLevels(engine.Options{Compression: engine.NoCompression, FilterBitsPerKey: -1}), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, content := t.TempDir(), newHistory(t)
			withVarve(t, dir, &c.options, func(s varveStore) {
				fill(t, s, content.rng, content.draw(c.writes))
				if c.compact {
					compactVarve(t, s, content)
				}
			})
			for range 2 {
				expectVisit(t, visit, dir, content)
				content.stored["visited by"] = "C++"
			}
			withVarve(t, dir, &c.options, func(s varveStore) {
				expect(t, s, content)
				fill(t, s, content.rng, content.draw(c.writes/4))
			})
			expectVisit(t, visit, dir, content)
		})
	}
}

// expectVisit fails unless C++ LevelDB reads exactly c's content from the store in dir.
func expectVisit(t *testing.T, visit, dir string, c *history) {
	t.Helper()
	cmd := exec.Command(visit, dir)
	var errs strings.Builder
	cmd.Stderr = &errs
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &errs)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(output)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		found[unhex(t, key)] = unhex(t, value)
	}
	for key, value := range c.stored {
		if got, ok := found[key]; !ok || got != value {
			t.Fatalf("%q has %.60q, %t; want %.60q", key, got, ok, value)
		}
	}
	if len(found) != len(c.stored) {
		t.Fatalf("%d entries, want %d", len(found), len(c.stored))
	}
}

func unhex(t *testing.T, digits string) string {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// buildVisit builds golden/visit.cc, or skips the test where there is no C++ LevelDB.
func buildVisit(t *testing.T) string {
	t.Helper()
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("NOT RUN: C++ LevelDB reads what varve wrote; there is no g++")
	}
	probe := exec.Command(compiler, "-fsyntax-only", "-x", "c++", "-")
	probe.Stdin = strings.NewReader("#include <leveldb/db.h>\n")
	if probe.Run() != nil {
		t.Skip("NOT RUN: C++ LevelDB reads what varve wrote; its headers are missing (Debian: libleveldb-dev)")
	}
	program := filepath.Join(t.TempDir(), "visit")
	build := exec.Command(compiler, "-std=c++17", "-O1", "-o", program, filepath.Join("golden", "visit.cc"), "-lleveldb")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build visit.cc: %v\n%s", err, output)
	}
	return program
}
