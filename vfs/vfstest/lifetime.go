package vfstest

import (
	"errors"

	"github.com/varvedb/varve/vfs"
)

func closedWriterRefuses(f *fixture) {
	w := f.create("000001.log")
	_, err := w.Write(content(1, 1000))
	f.ok(err, w.Sync(vfs.Strict), w.Close())
	_, err = w.Write(content(2, 1000))
	f.wantError("Write", "000001.log", err, vfs.ErrClosed)
	f.wantError("Sync", "000001.log", w.Sync(vfs.Strict), vfs.ErrClosed)
	f.wantError("Sync", "000001.log", w.Sync(vfs.Relaxed), vfs.ErrClosed)
	f.wantContent("000001.log", content(1, 1000))
}

func closedReaderRefuses(f *fixture) {
	f.write("000001.ldb", content(1, 1000))
	r, other := f.open("000001.ldb"), f.open("000001.ldb")
	f.ok(r.Close())
	_, err := r.ReadAt(make([]byte, 10), 0)
	f.wantError("ReadAt", "000001.ldb", err, vfs.ErrClosed)
	f.wantRead(other, content(1, 1000))
	f.ok(other.Close())
}

func closedFileSystemRefuses(f *fixture) {
	f.write("file", content(1, 10))
	closed := f.fs
	f.fs = f.reopen()
	_, err := closed.Create("new")
	f.wantError("Create", "new", err, vfs.ErrClosed)
	_, err = closed.Open("file")
	f.wantError("Open", "file", err, vfs.ErrClosed)
	f.wantError("Remove", "file", closed.Remove("file"), vfs.ErrClosed)
	f.wantError("Rename", "file", closed.Rename("file", "other"), vfs.ErrClosed)
	_, err = closed.List()
	f.wantError("List", "", err, vfs.ErrClosed)
	_, err = closed.Lock()
	f.wantError("Lock", "", err, vfs.ErrClosed)
	f.wantError("Close", "", closed.Close(), vfs.ErrClosed)
	f.wantFiles("file")
}

func lockIsExclusive(f *fixture) {
	lock, err := f.fs.Lock()
	f.ok(err)
	for range 3 {
		_, err = f.fs.Lock()
		f.wantError("Lock", "", err, vfs.ErrLocked)
	}
	f.ok(lock.Close())
}

func lockIsFreeAfterRelease(f *fixture) {
	for range 5 {
		lock, err := f.fs.Lock()
		f.ok(err)
		f.ok(lock.Close())
	}
}

func releasedLockCannotReleaseItsSuccessor(f *fixture) {
	first, err := f.fs.Lock()
	f.ok(err, first.Close())
	second, err := f.fs.Lock()
	f.ok(err)
	if err := first.Close(); err != nil && !errors.Is(err, vfs.ErrClosed) {
		f.Errorf("second Close of a lock: %v", err)
	}
	_, err = f.fs.Lock()
	f.wantError("Lock", "", err, vfs.ErrLocked)
	f.ok(second.Close())
}

func lockIsNotListed(f *fixture) {
	lock, err := f.fs.Lock()
	f.ok(err)
	f.wantFiles()
	f.ok(lock.Close())
	f.wantFiles()
}

func lockIsFreeAfterReopen(f *fixture) {
	lock, err := f.fs.Lock()
	f.ok(err, lock.Close())
	f.fs = f.reopen()
	lock, err = f.fs.Lock()
	f.ok(err, lock.Close())
}
