package osfs

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// An fsync that follows one that failed succeeds without what that one lost: there is no second try.
func TestFailedSettlingEndsTheWriter(t *testing.T) {
	fs := newFS(t)
	log, _ := lostLog(t, fs)
	for range 2 {
		if err := written(t, fs, "000002.ldb", "x").Sync(vfs.Strict); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("a sync beside a log that has lost bytes: %v", err)
		}
	}
	if err := fs.Rename("000002.ldb", "000003.ldb"); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("a rename beside a log that has lost bytes: %v", err)
	}
	_, failure := log.Write([]byte("more"))
	if !errors.Is(failure, vfs.ErrIO) {
		t.Errorf("Write gave %v", failure)
	}
	for _, d := range []vfs.Durability{vfs.Strict, vfs.Relaxed} {
		if err := log.Sync(d); err == nil || err != failure {
			t.Errorf("Sync gave %v, Write had given %v", err, failure)
		}
	}
	ok(t, log.Close(), written(t, fs, "000002.ldb", "x").Sync(vfs.Strict))
	if got, err := os.ReadFile(filepath.Join(fs.dir, "000001.log")); string(got) != "lost" {
		t.Errorf("file has %q, %v, want what was synced", got, err)
	}
}

func TestSyncAfterAFailedSettlingFails(t *testing.T) {
	for _, d := range []vfs.Durability{vfs.Strict, vfs.Relaxed} {
		fs := newFS(t)
		log, h := lostLog(t, fs)
		_, err := log.Write([]byte("unsynced"))
		ok(t, err)
		if written(t, fs, "000002.ldb", "x").Sync(vfs.Strict) == nil {
			t.Error("a sync beside a log that has lost bytes succeeded")
		}
		if err := log.Sync(d); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("Sync gave %v over %q", err, h.afterPowerLoss())
		}
		ok(t, log.Close())
	}
}

func TestCloseTellsOfAFailedSettling(t *testing.T) {
	fs := newFS(t)
	log, h := lostLog(t, fs)
	if written(t, fs, "000002.ldb", "x").Sync(vfs.Strict) == nil {
		t.Error("a sync beside a log that has lost bytes succeeded")
	}
	if err := log.Close(); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Close gave %v", err)
	}
	if err := h.handle.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is still open: %v", err)
	}
	ok(t, written(t, fs, "000002.ldb", "x").Sync(vfs.Strict))
}

// Nobody is left who could be told.
func TestFailedSettlingOfAClosedFileIsFinal(t *testing.T) {
	fs := newFS(t)
	log, h := lostLog(t, fs)
	ok(t, log.Close())
	for range 2 {
		if err := written(t, fs, "000002.ldb", "x").Sync(vfs.Relaxed); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("a sync behind a file that has lost bytes: %v", err)
		}
	}
	if err := fs.Close(); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Close gave %v", err)
	}
	if err := h.handle.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is still open: %v", err)
	}
}

// Its owner knows that it is broken.
func TestFailedSettlingOfAFileThatWasGivenUpIsToldOnce(t *testing.T) {
	fs := newFS(t)
	log, h := lostLog(t, fs)
	log.Abandon()
	ok(t, log.Close())
	if err := written(t, fs, "000002.ldb", "x").Sync(vfs.Strict); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("a sync behind a file that has lost bytes: %v", err)
	}
	if err := h.handle.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file is still open: %v", err)
	}
	ok(t, written(t, fs, "000002.ldb", "x").Sync(vfs.Strict), fs.Close())
}

// Of two fsyncs at once only one is told of the failure.
func TestSyncBesideTheFailedSettlingFails(t *testing.T) {
	fs := newFS(t)
	log, h := lostLog(t, fs)
	h.reached, h.opened = make(chan struct{}, 2), make(chan struct{})
	own, other := make(chan error), make(chan error)
	table := written(t, fs, "000002.ldb", "x")
	go func() { own <- log.Sync(vfs.Strict) }()
	<-h.reached
	go func() { other <- table.Sync(vfs.Strict) }()
	close(h.opened)
	if err := <-own; !errors.Is(err, vfs.ErrIO) {
		t.Errorf("the log's own sync: %v", err)
	}
	if err := <-other; !errors.Is(err, vfs.ErrIO) {
		t.Errorf("the other file's sync: %v", err)
	}
}

func TestFailedSettlingOfInheritedFilesIsFinal(t *testing.T) {
	fs := newFS(t)
	ok(t, written(t, fs, "000001.log", "x").Close())
	failures := 1
	opening := func(path string) (handle, error) {
		h, err := fs.system.reopen(path)
		return &lossyHandle{handle: h, failing: failures > 0}, err
	}
	if err := fs.settleInherited(opening); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("settling gave %v", err)
	}
	failures = 0
	for range 2 {
		if err := written(t, fs, "000002.log", "x").Sync(vfs.Strict); !errors.Is(err, vfs.ErrIO) {
			t.Errorf("a sync behind a file that has lost bytes: %v", err)
		}
	}
}

// What can't be opened has not lost anything yet.
func TestInheritedFileThatCannotBeOpenedIsTriedAgain(t *testing.T) {
	fs := newFS(t)
	ok(t, written(t, fs, "000001.log", "x").Close())
	opening := func(string) (handle, error) { return nil, syscall.EMFILE }
	if err := fs.settleInherited(opening); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("settling gave %v", err)
	}
	ok(t, written(t, fs, "000002.log", "x").Sync(vfs.Strict))
}
