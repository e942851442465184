package osfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/osfs"
	"github.com/varvedb/varve/vfs/vfstest"
)

func create(t *testing.T, dir string) *osfs.FS {
	t.Helper()
	fs, err := osfs.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestConformance(t *testing.T) {
	vfstest.Run(t, func(t *testing.T) (vfs.FS, func() vfs.FS) {
		dir := filepath.Join(t.TempDir(), "a", "store")
		fs := create(t, dir)
		t.Cleanup(func() { _ = fs.Close() })
		return fs, func() vfs.FS {
			if err := fs.Close(); err != nil {
				t.Fatal(err)
			}
			reopened, err := osfs.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			fs = reopened
			return fs
		}
	})
}

func TestOpenNeedsADirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := osfs.Open(filepath.Join(dir, "missing")); !errors.Is(err, vfs.ErrNotFound) {
		t.Errorf("missing directory: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := osfs.Open(file); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Open of a file: %v", err)
	}
	if _, err := osfs.Create(filepath.Join(file, "below")); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Create below a file: %v", err)
	}
}

func TestLockExcludesOtherFileSystemsOfTheDirectory(t *testing.T) {
	dir := t.TempDir()
	first, second := create(t, dir), create(t, filepath.Join(dir, ".", "x", ".."))
	lock, err := first.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Lock(); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("second lock: %v, want one that wraps %q", err, vfs.ErrLocked)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	lock, err = second.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLockFileCannotBeUsed(t *testing.T) {
	fs := create(t, t.TempDir())
	_, createErr := fs.Create("LOCK")
	_, openErr := fs.Open("LOCK")
	for op, err := range map[string]error{
		"Create": createErr,
		"Open":   openErr,
		"Remove": fs.Remove("LOCK"),
		"Rename": fs.Rename("x", "LOCK"),
	} {
		if !errors.Is(err, vfs.ErrName) {
			t.Errorf("%s: %v, want one that wraps %q", op, err, vfs.ErrName)
		}
	}
}

func TestListShowsRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	fs := create(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "lost"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "000001.ldb"), []byte("table"), 0o644); err != nil {
		t.Fatal(err)
	}
	infos, err := fs.List()
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != 1 || infos[0] != (vfs.FileInfo{Name: "000001.ldb", Size: 5}) {
		t.Errorf("List: %v", infos)
	}
}
