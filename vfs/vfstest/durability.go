package vfstest

import (
	"fmt"

	"github.com/varvedb/varve/vfs"
)

func syncedFilesPersist(f *fixture) {
	durabilities := []vfs.Durability{vfs.Strict, vfs.Relaxed}
	for i, d := range durabilities {
		w := f.create(fmt.Sprintf("%06d.log", i))
		_, err := w.Write(content(uint64(i), 100_000))
		f.ok(err, w.Sync(d), w.Close())
	}
	for range 2 {
		f.fs = f.reopen()
		f.wantFiles("000000.log", "000001.log")
		for i := range durabilities {
			f.wantContent(fmt.Sprintf("%06d.log", i), content(uint64(i), 100_000))
		}
	}
}

func syncOfAnEmptyFilePersistsItsName(f *fixture) {
	for i, d := range []vfs.Durability{vfs.Strict, vfs.Relaxed} {
		w := f.create(fmt.Sprintf("%06d.log", i))
		f.ok(w.Sync(d), w.Close())
	}
	f.fs = f.reopen()
	f.wantFiles("000000.log", "000001.log")
	f.wantContent("000000.log", nil)
	f.wantContent("000001.log", nil)
}

// A file that grows by many small syncs is a log's life.
func syncPersistsWhatCameBeforeIt(f *fixture) {
	var want []byte
	w := f.create("000001.log")
	for i := range 40 {
		for j := range 3 {
			p := content(uint64(i*3+j), i*113%5000)
			_, err := w.Write(p)
			f.ok(err)
			want = append(want, p...)
		}
		f.ok(w.Sync(vfs.Relaxed))
	}
	f.ok(w.Close())
	f.fs = f.reopen()
	f.wantContent("000001.log", want)
}

func replacedFilePersists(f *fixture) {
	f.write("000001.ldb", content(1, 80_000))
	f.write("000001.ldb", content(2, 40_000))
	f.fs = f.reopen()
	f.wantFiles("000001.ldb")
	f.wantContent("000001.ldb", content(2, 40_000))
}

func renamePersists(f *fixture) {
	f.write("CURRENT", content(1, 16))
	f.write("000002.dbtmp", content(2, 17))
	f.ok(f.fs.Rename("000002.dbtmp", "CURRENT"))
	f.fs = f.reopen()
	f.wantFiles("CURRENT")
	f.wantContent("CURRENT", content(2, 17))
}

// Only a crash may undo a removal.
func removalPersists(f *fixture) {
	f.write("000001.ldb", content(1, 80_000))
	f.write("000002.ldb", content(2, 80_000))
	f.ok(f.fs.Remove("000001.ldb"))
	f.fs = f.reopen()
	f.wantFiles("000002.ldb")
	f.wantContent("000002.ldb", content(2, 80_000))
}

// File systems that number files or pages must go on where they were.
func reopenedDirectoryIsWritable(f *fixture) {
	for i := range 4 {
		f.write(fmt.Sprintf("%06d.ldb", i), content(uint64(i), 40_000))
		f.fs = f.reopen()
	}
	for i := range 4 {
		f.wantContent(fmt.Sprintf("%06d.ldb", i), content(uint64(i), 40_000))
	}
}
