//go:build leveldb

package interop

import (
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine"
)

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

// buildVisit builds golden/visit.cc.
func buildVisit(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "visit")
	build := exec.Command("g++", "-std=c++17", "-O1", "-o", program, filepath.Join("golden", "visit.cc"), "-lleveldb")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build visit.cc, which needs g++ and LevelDB (Debian: libleveldb-dev): %v\n%s", err, output)
	}
	return program
}
