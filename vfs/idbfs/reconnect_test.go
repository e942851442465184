//go:build js && wasm

package idbfs

import (
	"syscall/js"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// commitTwice commits a record behind the last of the former owner's log: the first try loses the
// connection, the second does what it is told to.
func commitTwice(fs *FS, second func(conn js.Value, w *writes) error) error {
	lost := false
	once := func(conn js.Value, w *writes) error {
		if lost {
			return second(conn, w)
		}
		lost = true
		return &exception{name: "UnknownError"}
	}
	next := record{key: recordKey(fs.names["000001.log"].id, 1), data: []byte("late")}
	return fs.db.commitBy(once, &writes{epoch: fs.epoch, records: []record{next}})
}

// Another owner may come once the connection is made anew, before the second try.
func TestFenceIsNotTakenForWhatTheFirstTryWrote(t *testing.T) {
	old, _, _, takeOver := twoOwners(t)
	err := commitTwice(old, func(conn js.Value, w *writes) error {
		takeOver()
		return old.db.commitOnce(conn, w)
	})
	wantError(t, "commit", err, vfs.ErrLocked)
}

func TestTakenKeyIsNoSuccessWhereTheEpochCanNotBeRead(t *testing.T) {
	old, _, _, _ := twoOwners(t)
	err := commitTwice(old, func(conn js.Value, _ *writes) error {
		conn.Call("close")
		return &exception{name: "ConstraintError"}
	})
	wantError(t, "commit", err, vfs.ErrLocked)
}

func TestFormerOwnerThatConnectsAnewReadsNoMore(t *testing.T) {
	old, _, _, takeOver := twoOwners(t)
	r := must(old.Open("000002.ldb"))(t)
	takeOver()
	old.db.disconnect(must(old.db.connection())(t))
	for range 2 {
		_, err := r.ReadAt(make([]byte, 100), 0)
		wantError(t, "ReadAt", err, vfs.ErrLocked)
	}
	check(t, r.Close())
}

func TestOwnerOfBeforeThatConnectsAnewMayTakeTheLockAgain(t *testing.T) {
	first := openStore(t)
	check(t, must(first.Lock())(t).Close())
	second := openAgain(t, t.Name())
	check(t, must(second.Lock())(t).Close())
	first.db.disconnect(must(first.db.connection())(t))
	check(t, must(first.Lock())(t).Close())
}

func TestLateEndOfAnOldConnectionLeavesTheNewOneAlone(t *testing.T) {
	fs := openStore(t)
	old := must(fs.db.connection())(t)
	fs.db.disconnect(old)
	conn := must(fs.db.connection())(t)
	fs.db.disconnect(old)
	if !must(fs.db.connection())(t).Equal(conn) {
		t.Error("the new connection is given up")
	}
}

func TestStoreDeletedBetweenTwoConnectionsIsNotMadeAnew(t *testing.T) {
	fs := openStore(t)
	log := must(fs.Create("000001.log"))(t)
	check(t, log.Sync(vfs.Relaxed))
	fs.db.disconnect(must(fs.db.connection())(t))
	check(t, deleteForeign(databasePrefix+t.Name()))
	write(t, log, 10)
	wantError(t, "Sync", log.Sync(vfs.Relaxed), errDeleted)
	_, err := fs.Create("000002.log")
	wantError(t, "Create", err, errDeleted)
	check(t, log.Close())
	if stores := must(List())(t); len(stores) != 0 {
		t.Errorf("there are the stores %q", stores)
	}
}

// failOpens makes the browser fail to open the next databases.
func failOpens(t *testing.T, times int) {
	restore := js.Global().Get("Function").New("times", `
		const { open } = IDBFactory.prototype
		IDBFactory.prototype.open = function (...args) {
			if (times-- > 0) throw new DOMException('injected', 'UnknownError')
			return open.apply(this, args)
		}
		return () => { IDBFactory.prototype.open = open }`).Invoke(times)
	t.Cleanup(func() { restore.Invoke() })
}

func TestBrowserThatHasJustLostItsDatabasesIsAskedOnceMore(t *testing.T) {
	failOpens(t, 1)
	check(t, openStore(t).Close())
	failOpens(t, 2)
	_, err := Open(t.Name(), Options{})
	wantError(t, "Open", err, vfs.ErrIO)
}
