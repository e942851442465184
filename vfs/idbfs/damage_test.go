//go:build js && wasm

package idbfs

import (
	"errors"
	"fmt"
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// storeWithRoot makes a store as the engine does, and closes it.
func storeWithRoot(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	writeFile(t, fs, "MANIFEST-000001", 100)
	writeFile(t, fs, "000001.dbtmp", 16)
	check(t, fs.Rename("000001.dbtmp", rootFile))
	writeFile(t, fs, "000002.ldb", 3*pageSize)
	check(t, lock.Close(), fs.Close())
}

// edit changes a store's database behind its back.
func edit(t *testing.T, change func(tx *transaction)) {
	t.Helper()
	db := must(openDatabase(t.Name(), Options{MustExist: true, OpenTimeout: defaultTimeout}))(t)
	defer db.close()
	conn := must(db.connection())(t)
	tx := must(db.begin(conn, db.names.everything, db.names.readwrite, db.names.strict))(t)
	change(tx)
	check(t, tx.complete(js.Undefined()))
}

// openAndRead opens a store, takes its lock and reads all its files.
func openAndRead(name string) error {
	fs, err := Open(name, Options{MustExist: true})
	if err != nil {
		return err
	}
	defer fs.Close()
	lock, err := fs.Lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	infos, err := fs.List()
	for _, info := range infos {
		r, openErr := fs.Open(info.Name)
		if openErr != nil {
			return openErr
		}
		_, readErr := r.ReadAt(make([]byte, info.Size), 0)
		err = errors.Join(err, readErr, r.Close())
	}
	return err
}

func TestStoreWhoseDataWasWipedIsDamaged(t *testing.T) {
	for name, change := range map[string]func(tx *transaction){
		"Everything": func(tx *transaction) {
			for _, store := range []string{metaStore, filesStore, pagesStore} {
				tx.js.Call("objectStore", store).Call("clear")
			}
		},
		"Meta":      func(tx *transaction) { tx.js.Call("objectStore", metaStore).Call("clear") },
		"Directory": func(tx *transaction) { tx.js.Call("objectStore", filesStore).Call("clear") },
		"Pages":     func(tx *transaction) { tx.js.Call("objectStore", pagesStore).Call("clear") },
		"DirectoryAndPages": func(tx *transaction) {
			tx.js.Call("objectStore", filesStore).Call("clear")
			tx.js.Call("objectStore", pagesStore).Call("clear")
		},
		"Root": func(tx *transaction) { tx.js.Call("objectStore", filesStore).Call("delete", 2) },
	} {
		t.Run(name, func(t *testing.T) {
			storeWithRoot(t)
			check(t, openAndRead(t.Name()))
			edit(t, change)
			wantError(t, "open and read", openAndRead(t.Name()), vfs.ErrDamaged)
		})
	}
}

func TestStoreThatACrashLeftWithoutARootIsEmpty(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	writeFile(t, fs, "MANIFEST-000001", 100)
	writeFile(t, fs, "000001.dbtmp", 16)
	crash(fs)
	check(t, lock.(*storeLock).web.Close())
	check(t, openAndRead(t.Name()))
}

func TestRootThatIsRemovedIsNotMissed(t *testing.T) {
	storeWithRoot(t)
	fs := openAgain(t, t.Name())
	lock := must(fs.Lock())(t)
	check(t, fs.Remove(rootFile), lock.Close(), fs.Close(), openAndRead(t.Name()))
}

// A store of before the note is watched from its next owner on.
func TestOwnerNotesTheRootThatItFinds(t *testing.T) {
	storeWithRoot(t)
	edit(t, func(tx *transaction) { tx.js.Call("objectStore", metaStore).Call("delete", madeKey) })
	check(t, openAndRead(t.Name()))
	edit(t, func(tx *transaction) { tx.js.Call("objectStore", filesStore).Call("clear") })
	wantError(t, "open and read", openAndRead(t.Name()), vfs.ErrDamaged)
}

func TestFailedRenameLeavesNoWrongNoteOfTheRoot(t *testing.T) {
	fs := openStore(t)
	writeFile(t, fs, "000001.dbtmp", 16)
	check(t, fs.drain())
	failCommits(t, 1, "DataError")
	wantError(t, "Rename", fs.Rename("000001.dbtmp", rootFile), vfs.ErrIO)
	check(t, fs.drain(), openAndRead(t.Name()))
	check(t, fs.Rename("000001.dbtmp", rootFile))
	edit(t, func(tx *transaction) { tx.js.Call("objectStore", filesStore).Call("clear") })
	wantError(t, "open and read", openAndRead(t.Name()), vfs.ErrDamaged)
}

func TestRenameOfWhichNobodyKnowsTheEndLeavesNoWrongNoteOfTheRoot(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	want := writeFile(t, fs, "000001.dbtmp", 16)
	check(t, fs.drain())
	loseConnectionAtEnd(t)
	wantError(t, "Rename", fs.Rename("000001.dbtmp", rootFile), vfs.ErrIO)
	check(t, fs.drain(), lock.Close(), fs.Close())
	wantContent(t, openAgain(t, t.Name()), "000001.dbtmp", want)
}

func TestRecordOfAnotherTypeIsDamage(t *testing.T) {
	for name, record := range map[string]any{
		"Text": "text", "Number": 1, "Object": map[string]any{}, "Array": []any{1}, "Nothing": js.Null(),
		"Buffer": js.Global().Get("ArrayBuffer").New(pageSize),
	} {
		t.Run(name, func(t *testing.T) {
			fs := openStore(t)
			lock := must(fs.Lock())(t)
			writeFile(t, fs, "000001.ldb", 3*pageSize)
			log := must(fs.Create("000002.log"))(t)
			write(t, log, 1000)
			check(t, log.Sync(vfs.Relaxed))
			table, unsealed := recordKey(fs.names["000001.ldb"].id, 1), recordKey(fs.names["000002.log"].id, 0)
			crash(fs)
			check(t, lock.(*storeLock).web.Close())
			for _, key := range []int64{table, unsealed} {
				var whole js.Value
				edit(t, func(tx *transaction) {
					pages := tx.js.Call("objectStore", pagesStore)
					whole = must(tx.await(pages.Call("get", key)))(t)
					pages.Call("put", record, key)
				})
				wantError(t, "open and read", openAndRead(t.Name()), vfs.ErrDamaged)
				edit(t, func(tx *transaction) { tx.js.Call("objectStore", pagesStore).Call("put", whole, key) })
			}
		})
	}
}

func TestPageOfAnotherLengthIsDamage(t *testing.T) {
	for _, n := range []int{0, pageSize - 1, pageSize + 1, 2 * pageSize} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			storeWithRoot(t)
			fs := openAgain(t, t.Name())
			page := recordKey(fs.names["000002.ldb"].id, 1)
			edit(t, func(tx *transaction) {
				tx.store(tx.db.names.pages).Call("put", js.Global().Get("Uint8Array").New(n), page)
			})
			wantError(t, "open and read", openAndRead(t.Name()), vfs.ErrDamaged)
		})
	}
}

func TestLockOfAStoreThatIsFoundDamagedIsLetGo(t *testing.T) {
	storeWithRoot(t)
	fs := openAgain(t, t.Name())
	edit(t, func(tx *transaction) { tx.js.Call("objectStore", filesStore).Call("clear") })
	_, err := fs.Lock()
	wantError(t, "Lock", err, vfs.ErrDamaged)
	check(t, Destroy(t.Name()))
}

// Each record of a log may be whole batches: the log's own checksums don't see that one is gone.
func TestRecordMissingFromAnUnsealedFileIsDamage(t *testing.T) {
	fs := openStore(t)
	lock := must(fs.Lock())(t)
	log := must(fs.Create("000001.log"))(t)
	for range 3 {
		write(t, log, 1000)
		check(t, log.Sync(vfs.Relaxed))
	}
	lost := recordKey(fs.names["000001.log"].id, 1)
	crash(fs)
	check(t, lock.(*storeLock).web.Close())
	edit(t, func(tx *transaction) { tx.js.Call("objectStore", pagesStore).Call("delete", lost) })
	wantError(t, "open and read", openAndRead(t.Name()), vfs.ErrDamaged)
}

func TestOwnerWhoseEpochWasWipedWritesNoMore(t *testing.T) {
	storeWithRoot(t)
	fs := must(openOwned(t))(t)
	edit(t, func(tx *transaction) { tx.js.Call("objectStore", metaStore).Call("clear") })
	check(t, fs.Remove("000002.ldb"))
	wantError(t, "Commit", fs.flush(vfs.Relaxed), vfs.ErrLocked)
	_, err := fs.Create("000003.log")
	wantError(t, "Create", err, vfs.ErrLocked)
}
