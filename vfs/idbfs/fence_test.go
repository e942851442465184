//go:build js && wasm

package idbfs

import (
	"testing"

	"github.com/varvedb/varve/vfs"
)

// twoOwners gives an FS that took the store's lock, and lets next take it over without the
// first one's knowledge. The first one has a synced log of 1,000 bytes and a table.
func twoOwners(t *testing.T) (old *FS, log vfs.Writer, content []byte, takeOver func() *FS) {
	old = withoutWebLock(openStore(t))
	must(old.Lock())(t)
	log = must(old.Create("000001.log"))(t)
	content = write(t, log, 1000)
	check(t, log.Sync(vfs.Strict))
	writeFile(t, old, "000002.ldb", 100_000)
	check(t, old.drain())
	return old, log, content, func() *FS {
		next := withoutWebLock(openAgain(t, t.Name()))
		must(next.Lock())(t)
		return next
	}
}

func TestFormerOwnerCanNotWrite(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(fs *FS, log vfs.Writer) error
	}{
		{"Log", func(_ *FS, log vfs.Writer) error {
			_, err := log.Write([]byte("late"))
			if err != nil {
				return err
			}
			return log.Sync(vfs.Relaxed)
		}},
		{"NewFile", func(fs *FS, _ vfs.Writer) error {
			w, err := fs.Create("000003.log")
			if err != nil {
				return err
			}
			return w.Sync(vfs.Relaxed)
		}},
		{"Rename", func(fs *FS, _ vfs.Writer) error { return fs.Rename("000002.ldb", "000009.ldb") }},
		{"Remove", func(fs *FS, log vfs.Writer) error {
			if err := fs.Remove("000002.ldb"); err != nil {
				return err
			}
			return log.Sync(vfs.Relaxed)
		}},
		{"Table", func(fs *FS, _ vfs.Writer) error {
			w, err := fs.Create("000003.ldb")
			if err != nil {
				return err
			}
			if _, err := w.Write(make([]byte, 3*streamSize)); err != nil {
				return err
			}
			return w.Sync(vfs.Strict)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, log, content, takeOver := twoOwners(t)
			next := takeOver()
			wantError(t, c.name, c.write(old, log), vfs.ErrLocked)

			_, err := log.Write([]byte("later"))
			wantError(t, "Write afterwards", err, vfs.ErrLocked)
			_, err = old.Open("000001.log")
			wantError(t, "Open afterwards", err, vfs.ErrLocked)

			wantContent(t, next, "000001.log", content)
			infos := must(next.List())(t)
			if len(infos) != 2 || infos[1].Name != "000002.ldb" || infos[1].Size != 100_000 {
				t.Errorf("the new owner finds %v", infos)
			}
		})
	}
}

func TestFormerOwnerCanNotDeleteOrFill(t *testing.T) {
	old, _, content, takeOver := twoOwners(t)
	next := takeOver()
	// What a dead Writer left behind its last Sync may be content to the new owner.
	surplus := old.names["000001.log"].allRecords()
	err := old.pages.commit(&writes{epoch: old.epoch, deleted: []keyRange{surplus}})
	wantError(t, "delete of records", err, vfs.ErrLocked)
	wantError(t, "headroom", old.db.addPiece(recordKey(0, 0), old.epoch), vfs.ErrLocked)
	wantContent(t, next, "000001.log", content)
	wantPieces(t, next, 0)
}

// To a former owner, the files of the new one are none.
func TestFormerOwnerSweepsNothing(t *testing.T) {
	old, _, _, takeOver := twoOwners(t)
	next := takeOver()
	want := writeFile(t, next, "000003.ldb", 3*pageSize)
	old.sweep = sweep{due: true, below: recordKey(next.nextID, 0)}
	old.sweepSlice()
	wantContent(t, next, "000003.ldb", want)
	_, err := old.Create("000003.log")
	wantError(t, "Create", err, vfs.ErrLocked)
}

func TestFormerOwnerSpendsNoHeadroom(t *testing.T) {
	old, _, _, takeOver := twoOwners(t)
	next := takeOver()
	check(t, next.drain(), next.db.addPiece(recordKey(0, 0), next.epoch)) // behind the upkeep
	old.headroom.pieces, next.headroom.pieces = 1, 1
	if old.spendHeadroom(0) {
		t.Error("the former owner has spent the headroom")
	}
	wantPieces(t, next, 1)
}

func TestFenceOutlivesItsFile(t *testing.T) {
	_, log, _, takeOver := twoOwners(t)
	next := takeOver()
	check(t, next.Remove("000001.log"), next.drain())
	third := takeOver()
	writeFile(t, third, "000003.ldb", 10)

	_, err := log.Write([]byte("late"))
	check(t, err)
	wantError(t, "Sync", log.Sync(vfs.Strict), vfs.ErrLocked)
}

func TestFenceOutlivesItsFileWhoeverDeletesThat(t *testing.T) {
	_, log, _, takeOver := twoOwners(t)
	next := takeOver()
	check(t, next.flush(vfs.Relaxed)) // writes that the log is sealed
	third := takeOver()
	check(t, third.Remove("000001.log"), third.drain())
	_, err := log.Write([]byte("late"))
	check(t, err)
	wantError(t, "Sync", log.Sync(vfs.Strict), vfs.ErrLocked)
}

func TestFenceIsNoContent(t *testing.T) {
	_, _, content, takeOver := twoOwners(t)
	takeOver()
	third := takeOver()
	infos := must(third.List())(t)
	if infos[0].Size != int64(len(content)) {
		t.Errorf("the log is %d bytes long, want %d", infos[0].Size, len(content))
	}
	wantContent(t, third, "000001.log", content)
	check(t, third.Close())
	wantContent(t, openAgain(t, t.Name()), "000001.log", content)
}

func TestOwnerKeepsItsOpenFiles(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	want := write(t, log, 100)
	check(t, log.Sync(vfs.Relaxed))
	lock := must(fs.Lock())(t)
	want = append(want, write(t, log, 200)...)
	check(t, log.Sync(vfs.Relaxed), log.Close())
	wantContent(t, fs, "000001.log", want)
	check(t, lock.Close())
}

func TestLockExcludesOthers(t *testing.T) {
	first := openStore(t)
	second := openAgain(t, t.Name())
	lock := must(first.Lock())(t)
	_, err := second.Lock()
	wantError(t, "Lock", err, vfs.ErrLocked)
	wantError(t, "Destroy", Destroy(t.Name()), vfs.ErrLocked)

	// Whoever comes next sees what the former owner left, and its close goes well.
	log := must(first.Create("000001.log"))(t)
	want := write(t, log, 10)
	check(t, log.Sync(vfs.Relaxed), log.Close(), lock.Close())
	lock = must(second.Lock())(t)
	wantContent(t, second, "000001.log", want)
	if err := first.Close(); err != nil {
		t.Errorf("Close after the lock went on: %v", err)
	}
	check(t, lock.Close())
}

func TestNextOwnerFindsNothingThatWasRemovedMeanwhile(t *testing.T) {
	first := openStore(t)
	writeFile(t, first, "000001.ldb", 4*dropSize)
	check(t, first.drain())
	second := openAgain(t, t.Name())
	lock := must(first.Lock())(t)
	check(t, first.Remove("000001.ldb"), lock.Close())
	if n := storedRecords(t, second, second.db.names.pages); n != 0 {
		t.Errorf("%d records are left when the lock is free", n)
	}
	lock = must(second.Lock())(t)
	if infos := must(second.List())(t); len(infos) != 0 {
		t.Errorf("there are %v", infos)
	}
	check(t, lock.Close())
}

// A user who clears the site's data ends the connection, and another tab that opens the store, if only
// to hear that it is locked, makes a database of the same name.
func TestOwnerWritesNothingIntoADatabaseThatTookThePlaceOfItsOwn(t *testing.T) {
	for name, other := range map[string]Options{"Empty": {}, "Owned": {Lock: true}} {
		t.Run(name, func(t *testing.T) {
			storeWithRoot(t)
			fs := withoutWebLock(openAgain(t, t.Name()))
			lock := must(fs.Lock())(t)
			log := must(fs.Create("000003.log"))(t)
			write(t, log, 100)
			check(t, log.Sync(vfs.Relaxed))

			fs.db.disconnect(must(fs.db.connection())(t))
			check(t, deleteDatabase(t.Name(), blockedPatience, deleteTimeout))
			second := must(Open(t.Name(), other))(t)
			write(t, log, 100)
			wantError(t, "Sync", log.Sync(vfs.Relaxed), vfs.ErrClosed)
			if n := storedRecords(t, second, second.db.names.pages); n != 0 {
				t.Errorf("the new database has %d records", n)
			}
			_, err := fs.Create("000004.log")
			wantError(t, "Create", err, vfs.ErrClosed)
			_ = lock.Close()
			check(t, second.Close())
		})
	}
}
