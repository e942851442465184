package repair

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs/memfs"
)

// loadGolden returns a store that C++ LevelDB wrote.
func loadGolden(t *testing.T, name string) *memfs.FS {
	t.Helper()
	dir := filepath.Join("..", "interop", "golden", name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	fs := memfs.New()
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		w, err := fs.Create(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

func TestRepairRecoversStoresThatLevelDBWrote(t *testing.T) {
	for _, name := range []string{"levels", "plain-filter", "snappy"} {
		for _, d := range []struct {
			name    string
			inflict func(fs *memfs.FS)
		}{
			{"whole", func(*memfs.FS) {}},
			{"no CURRENT", func(fs *memfs.FS) { remove(t, fs, "CURRENT") }},
			{"no manifest", func(fs *memfs.FS) { remove(t, fs, "MANIFEST") }},
			{"no footers", func(fs *memfs.FS) {
				for _, table := range names(t, fs, ".ldb") {
					overwriteEnd(t, fs, table, 20)
				}
			}},
			{"neither footers nor manifest", func(fs *memfs.FS) {
				remove(t, fs, "MANIFEST")
				for _, table := range names(t, fs, ".ldb") {
					overwriteEnd(t, fs, table, 60)
				}
			}},
		} {
			t.Run(name+", "+d.name, func(t *testing.T) {
				fs := loadGolden(t, name)
				want, err := contents(fs.Clone())
				if err != nil || len(want) == 0 {
					t.Fatal(len(want), err)
				}
				d.inflict(fs)
				report, err := engine.Repair(fs, options())
				if err != nil || (d.name == "whole") != (len(report.Problems) == 0) {
					t.Fatalf("Repair = %v, %v", report, err)
				}
				got, err := contents(fs)
				if err != nil || !maps.Equal(got, want) {
					t.Errorf("the repaired store has %d keys, want %d, or other values; %v\n%v", len(got), len(want), err, report)
				}
			})
		}
	}
}

// overwriteEnd changes the last n bytes of a file.
func overwriteEnd(t *testing.T, fs *memfs.FS, name string, n int) {
	t.Helper()
	r, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	size := int(r.Size())
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	overwrite(t, fs, name, size-n, n)
}
