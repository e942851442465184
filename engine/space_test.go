package engine

import (
	"errors"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

func TestShortOfSpaceOnlyDeletesAndCompactionAreTaken(t *testing.T) {
	fs := &faultfs.Full{FS: memfs.New()}
	db, err := Open(fs, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, key := range []string{"a", "b", "c"} {
		if err := db.Put([]byte(key), []byte("value"), Strict); err != nil {
			t.Fatal(err)
		}
	}

	fs.Short.Store(true)
	var noSpace *vfs.NoSpaceError
	if err := db.Put([]byte("d"), []byte("value"), Relaxed); !errors.As(err, &noSpace) || noSpace.Wanted == 0 {
		t.Errorf("Put: %v, want a NoSpaceError that says what was wanted", err)
	}
	var b Batch
	if err := errors.Join(b.Delete([]byte("a")), b.Put([]byte("d"), nil)); err != nil {
		t.Fatal(err)
	}
	if err := db.TryApply(&b, Relaxed, nil); !errors.Is(err, ErrWouldWait) {
		t.Errorf("TryApply: %v, want ErrWouldWait, since asking for space may wait", err)
	}
	if err := db.ApplyAsync(&b, Relaxed, nil); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("ApplyAsync: %v, want ErrNoSpace", err)
	}
	none := func(func(key, value []byte) bool) {}
	if err := db.Ingest(none); !errors.Is(err, vfs.ErrNoSpace) {
		t.Errorf("Ingest: %v, want ErrNoSpace", err)
	}
	if err := db.Delete([]byte("a"), Strict); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if err := db.DeleteRange([]byte("b"), []byte("c"), Strict); err != nil {
		t.Errorf("DeleteRange: %v", err)
	}
	if err := db.Compact(nil, nil); err != nil {
		t.Errorf("Compact: %v", err)
	}
	it, err := db.NewIterator(IterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !it.First() || string(it.Key()) != "c" || it.Next() {
		t.Errorf("the store holds %q, want c alone", it.Key())
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}

	fs.Short.Store(false)
	if err := db.Put([]byte("d"), []byte("value"), Strict); err != nil {
		t.Errorf("Put when space is there again: %v", err)
	}
}
