//go:build !js

package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// export writes the files of fs into a new directory.
func export(t *testing.T, fs vfs.FS) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range fileNames(t, fs) {
		if err := os.WriteFile(filepath.Join(dir, name), readFile(t, fs, name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// restore reads the files of a directory into a new FS.
func restore(t *testing.T, dir string) *memfs.FS {
	t.Helper()
	fs := memfs.New()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, fs, entry.Name(), content)
	}
	return fs
}

var strict = &opt.Options{Strict: opt.StrictAll, WriteBuffer: 16 << 10, CompactionTableSize: 8 << 10}

func withGoleveldb(t *testing.T, dir string, work func(*leveldb.DB)) {
	t.Helper()
	db, err := leveldb.OpenFile(dir, strict)
	if err != nil {
		t.Fatal(err)
	}
	work(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func fill(t *testing.T, db *leveldb.DB, n int) {
	t.Helper()
	for i := range n {
		if err := db.Put(fmt.Appendf(nil, "key%05d", i*7919%n), make([]byte, 100), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func wantFilled(t *testing.T, db *leveldb.DB, n int) {
	t.Helper()
	entries := db.NewIterator(nil, nil)
	defer entries.Release()
	count := 0
	for entries.Next() {
		count++
	}
	if err := entries.Error(); err != nil || count != n {
		t.Fatalf("found %d entries, want %d: %v", count, n, err)
	}
}

func TestGoleveldbOpensANewStore(t *testing.T) {
	fs := memfs.New()
	if err := mustCreate(t, fs).Close(); err != nil {
		t.Fatal(err)
	}
	withGoleveldb(t, export(t, fs), func(db *leveldb.DB) {
		fill(t, db, 10)
		wantFilled(t, db, 10)
	})
}

// TestStoresOfGoleveldbGoBackAndForth opens goleveldb's store twice, so that a manifest with an
// unreplayed log's tables in its first record is among those read.
func TestStoresOfGoleveldbGoBackAndForth(t *testing.T) {
	const n = 3000
	dir := t.TempDir()
	for round := range 3 {
		withGoleveldb(t, dir, func(db *leveldb.DB) {
			if round > 0 {
				wantFilled(t, db, n)
			}
			fill(t, db, n)
		})
		fs := restore(t, dir)
		s := mustLoad(t, fs)
		if s.Current().NumTables() < 2 || s.LastSeq() == 0 || s.LogNum() == 0 {
			t.Fatalf("round %d: loaded\n%s", round, state(s))
		}
		for _, edit := range []*Edit{{}, {}} {
			mustApply(t, s, edit) // a fresh manifest, then one more record
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		dir = export(t, fs)
	}
}
