//go:build js && wasm

package idbfs

import (
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestFencesOfDeletedFilesAreBounded(t *testing.T) {
	openStore(t)
	const crashes = maxFences + 40
	for range crashes {
		fs := withoutWebLock(openAgain(t, t.Name()))
		must(fs.Lock())(t)
		for _, info := range must(fs.List())(t) {
			check(t, fs.Remove(info.Name))
		}
		log := must(fs.Create("000001.log"))(t)
		check(t, log.Sync(vfs.Relaxed), fs.drain())
		crash(fs)
	}
	fs := withoutWebLock(openAgain(t, t.Name()))
	must(fs.Lock())(t)
	check(t, fs.Remove("000001.log"), fs.drain())
	before := storedRecords(t, fs, fs.db.names.pages)
	next := withoutWebLock(openAgain(t, t.Name()))
	must(next.Lock())(t)
	check(t, next.drain())
	if n := storedRecords(t, next, next.db.names.pages); n != maxFences {
		t.Errorf("%d fences are kept of %d, want %d", n, before, maxFences)
	}
	if next.nextID <= crashes {
		t.Errorf("the next id is %d, though %d were used", next.nextID, crashes)
	}
}

func TestOrphanedPagesAreDeletedInSlices(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	kept := writeFile(t, fs, "000001.ldb", 5*pageSize)
	check(t, fs.drain())
	const orphan, pages = 70, 2*sweepRecords + 10
	var records []record
	for i := range int64(pages) {
		records = append(records, record{key: recordKey(orphan, i), data: []byte("orphan")})
	}
	check(t, fs.db.commit(&writes{records: records}), lock.Close(), fs.Close())

	fs = openAgain(t, t.Name())
	lock = must(fs.Lock())(t)
	newer := writeFile(t, fs, "000002.ldb", 5*pageSize)
	check(t, fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages); n != 10 {
		t.Errorf("%d records are stored, want those of the two files", n)
	}
	if n := fs.Metrics().Delete.Transactions; n != 3 {
		t.Errorf("%d transactions deleted %d pages, want 3", n, pages)
	}
	wantContent(t, fs, "000001.ldb", kept)
	wantContent(t, fs, "000002.ldb", newer)
	check(t, lock.Close())
}

func TestOrphansBelowFilesAreFound(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	for _, name := range []string{"000001.ldb", "000002.ldb", "000003.ldb", "000004.ldb"} {
		writeFile(t, fs, name, 2*pageSize)
	}
	orphan := fs.names["000002.ldb"].id
	check(t, lock.Close(), fs.Close())
	edit(t, func(tx *transaction) { tx.store(tx.db.names.files).Call("delete", orphan) })

	fs = openAgain(t, t.Name())
	lock = must(fs.Lock())(t)
	check(t, fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages); n != 6 {
		t.Errorf("%d records are stored, want those of three files", n)
	}
	check(t, lock.Close())
}

func TestDeletionThatACrashCutIsFinishedByTheNextOwner(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	writeFile(t, fs, "000001.ldb", 4*dropSize)
	check(t, fs.drain(), fs.Remove("000001.ldb"))
	for fs.Metrics().Delete.Transactions < 2 {
		fs.mu.Lock()
		flying := fs.commit.flying
		fs.mu.Unlock()
		if flying == nil {
			check(t, fs.flush(vfs.Relaxed))
			continue
		}
		<-flying.done
	}
	crash(fs)
	check(t, lock.(*storeLock).web.Close())

	fs = openAgain(t, t.Name())
	if n := storedRecords(t, fs, fs.db.names.pages); n == 0 || n == 4*dropSize/pageSize {
		t.Fatalf("%d records are left by the crash, want a part of the file", n)
	}
	lock = must(fs.Lock())(t)
	check(t, fs.drain())
	if n := storedRecords(t, fs, fs.db.names.pages) + storedRecords(t, fs, fs.db.names.files); n != 0 {
		t.Errorf("%d records and entries are left", n)
	}
	check(t, lock.Close())
}

func TestFileOfWhichAPartIsDeletedHasNoName(t *testing.T) {
	for name, low := range map[string]bool{"Roomy": false, "Low": true} {
		t.Run(name, func(t *testing.T) {
			fs := openStore(t)
			lock := must(fs.Lock())(t)
			writeFile(t, fs, "000001.ldb", 4*dropSize)
			check(t, fs.drain())
			fs.mu.Lock()
			fs.headroom.low = low
			fs.mu.Unlock()
			check(t, fs.Remove("000001.ldb"))
			for turn := newTurn(t); fs.Metrics().Delete.Transactions < 1; {
				turn()
			}
			crash(fs)
			check(t, lock.(*storeLock).web.Close())
			fs = openAgain(t, t.Name())
			if infos := must(fs.List())(t); len(infos) > 0 {
				t.Errorf("%v has come back, with %d of its records", infos, storedRecords(t, fs, fs.db.names.pages))
			}
		})
	}
}
