package osfs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func newFS(t *testing.T) *FS {
	t.Helper()
	fs, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// written makes a file with content and leaves it open.
func written(t *testing.T, fs *FS, name, content string) *writer {
	t.Helper()
	w, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	return w.(*writer)
}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// breakSync makes every further fsync of a file fail.
func breakSync(t *testing.T, w *writer) {
	t.Helper()
	ok(t, w.file.handle.Close())
}

// What the medium holds cannot be seen from here, but an fsync that fails can.
func TestRelaxedSyncIsSettledBefore(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(fs *FS, other *writer) error
	}{
		{"a relaxed sync of another file", func(_ *FS, other *writer) error { return other.Sync(vfs.Relaxed) }},
		{"a strict sync of another file", func(_ *FS, other *writer) error { return other.Sync(vfs.Strict) }},
		{"a rename", func(fs *FS, _ *writer) error { return fs.Rename("done", "CURRENT") }},
		{"the end", func(fs *FS, _ *writer) error { return fs.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := newFS(t)
			done := written(t, fs, "done", "x")
			ok(t, done.Sync(vfs.Strict), done.Close())
			log, other := written(t, fs, "000001.log", "x"), written(t, fs, "000002.log", "x")
			ok(t, log.Sync(vfs.Relaxed))
			breakSync(t, log)
			if err := c.do(fs, other); err == nil {
				t.Error("done without an fsync of 000001.log")
			}
		})
	}
}

func TestOneFileIsSyncedRelaxedWithoutFsync(t *testing.T) {
	fs := newFS(t)
	log, other := written(t, fs, "000001.log", "x"), written(t, fs, "000002.ldb", "x")
	ok(t, log.Sync(vfs.Relaxed))
	if fs.unsettled != log.file {
		t.Error("a relaxed sync left nothing unsettled")
	}
	ok(t, log.Sync(vfs.Relaxed), log.Sync(vfs.Strict))
	if fs.unsettled != nil {
		t.Error("unsettled after a strict sync")
	}
	ok(t, log.Sync(vfs.Relaxed), other.Sync(vfs.Relaxed))
	if fs.unsettled != other.file {
		t.Error("the other file's sync did not settle the first")
	}
}

func TestClosedFileIsSettledAndThenReleased(t *testing.T) {
	fs := newFS(t)
	log := written(t, fs, "000001.log", "x")
	ok(t, log.Sync(vfs.Relaxed), log.Close())
	if fs.unsettled != log.file {
		t.Fatal("nothing is left to settle")
	}
	ok(t, fs.Close())
	if err := log.file.handle.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is still open: %v", err)
	}
}

func TestFailedSyncDropsTheBytesAfterTheLastOne(t *testing.T) {
	fs := newFS(t)
	log, table := written(t, fs, "000001.log", "x"), written(t, fs, "000002.ldb", "kept")
	ok(t, table.Sync(vfs.Strict), log.Sync(vfs.Relaxed))
	breakSync(t, log)

	if _, err := table.Write(make([]byte, 3*bufferSize)); err != nil {
		t.Fatal(err)
	}
	failure := table.Sync(vfs.Strict)
	if failure == nil {
		t.Fatal("synced")
	}
	_, writeErr := table.Write([]byte("more"))
	if syncErr := table.Sync(vfs.Relaxed); writeErr != failure || syncErr != failure {
		t.Errorf("dead Writer gave %v and %v, want %v", writeErr, syncErr, failure)
	}
	ok(t, table.Close())
	if got, err := os.ReadFile(filepath.Join(fs.dir, "000002.ldb")); string(got) != "kept" {
		t.Errorf("file has %d bytes, want 4; %v", len(got), err)
	}
}

func TestAbandonedWriterDropsWhatWasNotSynced(t *testing.T) {
	fs := newFS(t)
	w := written(t, fs, "000001.log", "kept")
	ok(t, w.Sync(vfs.Relaxed))
	if _, err := w.Write(make([]byte, bufferSize+1)); err != nil {
		t.Fatal(err)
	}
	w.Abandon()
	if _, err := w.Write([]byte("more")); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Write: %v", err)
	}
	ok(t, w.Close())
	if got, err := os.ReadFile(filepath.Join(fs.dir, "000001.log")); string(got) != "kept" {
		t.Errorf("file has %d bytes, want 4; %v", len(got), err)
	}
}

func TestCloseHandsOverUnsyncedBytes(t *testing.T) {
	fs := newFS(t)
	ok(t, written(t, fs, "000001.log", "unsynced").Close())
	if got, err := os.ReadFile(filepath.Join(fs.dir, "000001.log")); string(got) != "unsynced" {
		t.Errorf("file has %q; %v", got, err)
	}
}
