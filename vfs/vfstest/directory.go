package vfstest

import (
	"fmt"
	"slices"

	"github.com/varvedb/varve/vfs"
)

func createReplacesAFile(f *fixture) {
	f.write("CURRENT", content(1, 70_000))
	f.write("CURRENT", content(2, 20))
	f.wantFiles("CURRENT")
	f.wantContent("CURRENT", content(2, 20))
}

func replacedFileStaysReadableWhileOpen(f *fixture) {
	before := content(1, 70_000)
	f.write("000001.ldb", before)
	r := f.open("000001.ldb")
	f.write("000001.ldb", content(2, 90_000))
	f.wantRead(r, before)
	f.ok(r.Close())
	f.wantContent("000001.ldb", content(2, 90_000))
}

func removeRemovesAFile(f *fixture) {
	f.write("000001.ldb", content(1, 100))
	f.write("000002.ldb", content(2, 100))
	f.ok(f.fs.Remove("000001.ldb"))
	f.wantFiles("000002.ldb")
	_, err := f.fs.Open("000001.ldb")
	f.wantError("Open", "000001.ldb", err, vfs.ErrNotFound)
	f.wantContent("000002.ldb", content(2, 100))
}

func removedFileStaysReadableWhileOpen(f *fixture) {
	want := content(1, 150_000)
	f.write("000001.ldb", want)
	first, second := f.open("000001.ldb"), f.open("000001.ldb")
	f.ok(f.fs.Remove("000001.ldb"))
	f.wantRead(first, want)
	f.ok(first.Close())
	f.wantRead(second, want)

	// Work on other files must not free the bytes, either.
	f.write("000002.ldb", content(2, 150_000))
	f.wantRead(second, want)
	f.ok(second.Close())
}

func renameMovesAFile(f *fixture) {
	want := content(1, 50_000)
	f.write("000001.dbtmp", want)
	f.ok(f.fs.Rename("000001.dbtmp", "CURRENT"))
	f.wantFiles("CURRENT")
	f.wantContent("CURRENT", want)
	_, err := f.fs.Open("000001.dbtmp")
	f.wantError("Open", "000001.dbtmp", err, vfs.ErrNotFound)

	// The old name is free.
	f.write("000001.dbtmp", content(2, 10))
	f.wantContent("CURRENT", want)
}

func renameReplacesItsTarget(f *fixture) {
	f.write("CURRENT", content(1, 60_000))
	f.write("000002.dbtmp", content(2, 40))
	f.ok(f.fs.Rename("000002.dbtmp", "CURRENT"))
	f.wantFiles("CURRENT")
	f.wantContent("CURRENT", content(2, 40))
}

func renamedFilesStayReadableWhileOpen(f *fixture) {
	f.write("a", content(1, 60_000))
	f.write("b", content(2, 60_000))
	moved, replaced := f.open("a"), f.open("b")
	f.ok(f.fs.Rename("a", "b"))
	f.wantRead(moved, content(1, 60_000))
	f.wantRead(replaced, content(2, 60_000))
	f.ok(moved.Close(), replaced.Close())
}

func listIsInOrderOfNames(f *fixture) {
	f.wantFiles()
	sizes := map[string]int64{"MANIFEST-000002": 11, "000010.ldb": 70_000, "000009.log": 0, "CURRENT": 16, "zz": 1, "a b": 2}
	for name, size := range sizes {
		f.write(name, content(1, int(size)))
	}
	infos, err := f.fs.List()
	f.ok(err)
	want := []string{"000009.log", "000010.ldb", "CURRENT", "MANIFEST-000002", "a b", "zz"}
	if len(infos) != len(want) {
		f.Fatalf("List: %d files, want %d", len(infos), len(want))
	}
	for i, info := range infos {
		if info.Name != want[i] || info.Size != sizes[want[i]] {
			f.Errorf("List: entry %d is %q of %d bytes, want %q of %d", i, info.Name, info.Size, want[i], sizes[want[i]])
		}
	}
}

func listFollowsTheDirectory(f *fixture) {
	w := f.create("000002.log")
	f.write("000001.log", nil)
	f.wantFiles("000001.log", "000002.log")
	f.ok(w.Sync(vfs.Strict), w.Close())
	f.ok(f.fs.Rename("000001.log", "000003.log"))
	f.wantFiles("000002.log", "000003.log")
	f.ok(f.fs.Remove("000002.log"))
	f.wantFiles("000003.log")
	f.ok(f.fs.Remove("000003.log"))
	f.wantFiles()
}

func manyFilesAreKeptApart(f *fixture) {
	const files = 120
	var names []string
	for i := range files {
		name := fmt.Sprintf("%06d.ldb", i)
		f.write(name, content(uint64(i), 100+i*13))
		if i%3 == 0 {
			f.ok(f.fs.Remove(name))
			continue
		}
		names = append(names, name)
	}
	f.wantFiles(names...)
	for i := range files {
		if name := fmt.Sprintf("%06d.ldb", i); slices.Contains(names, name) {
			f.wantContent(name, content(uint64(i), 100+i*13))
		}
	}
}

func missingFileIsNotFound(f *fixture) {
	f.write("target", content(1, 10))
	_, err := f.fs.Open("missing")
	f.wantError("Open", "missing", err, vfs.ErrNotFound)
	f.wantError("Remove", "missing", f.fs.Remove("missing"), vfs.ErrNotFound)
	f.wantError("Rename", "missing", f.fs.Rename("missing", "target"), vfs.ErrNotFound)
	f.wantFiles("target")
	f.wantContent("target", content(1, 10))

	f.ok(f.fs.Remove("target"))
	f.wantError("Remove", "target", f.fs.Remove("target"), vfs.ErrNotFound)
}

func invalidNamesAreRefused(f *fixture) {
	f.write("file", content(1, 10))
	for _, name := range []string{"", ".", "..", "a/b", "/a", "a/", "../file", `a\b`, "a\x00b"} {
		_, err := f.fs.Create(name)
		f.wantError("Create", "", err, vfs.ErrName)
		_, err = f.fs.Open(name)
		f.wantError("Open", "", err, vfs.ErrName)
		f.wantError("Remove", "", f.fs.Remove(name), vfs.ErrName)
		f.wantError("Rename from", "", f.fs.Rename(name, "other"), vfs.ErrName)
		f.wantError("Rename to", "", f.fs.Rename("file", name), vfs.ErrName)
	}
	f.wantFiles("file")
}
