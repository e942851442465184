package osfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
)

// lossyFS is an FS whose logs lose what an fsync that fails should have brought to the medium.
type lossyFS struct {
	*FS
	mu   sync.Mutex
	logs map[string]*lossyHandle
	last *lossyHandle
}

func newLossyFS(t *testing.T) *lossyFS {
	return &lossyFS{FS: newFS(t), logs: map[string]*lossyHandle{}}
}

func (fs *lossyFS) Create(name string) (vfs.Writer, error) {
	w, err := fs.FS.Create(name)
	if err != nil || !strings.HasSuffix(name, ".log") {
		return w, err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.last = lossy(w.(*writer))
	fs.logs[name] = fs.last
	return w, nil
}

// loseLog makes the next fsync of the present log fail.
func (fs *lossyFS) loseLog() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.last.loseNext()
}

// afterPowerLoss opens what the medium has of the store, which is closed: that saves nothing of what a
// log has lost. To all files but the logs nothing happens.
func (fs *lossyFS) afterPowerLoss(t *testing.T) *engine.DB {
	t.Helper()
	left := newFS(t)
	infos, err := fs.List()
	ok(t, err)
	for _, info := range infos {
		content, err := os.ReadFile(filepath.Join(fs.dir, info.Name))
		ok(t, err)
		if log := fs.logs[info.Name]; log != nil {
			content = log.afterPowerLoss()
		}
		ok(t, os.WriteFile(filepath.Join(left.dir, info.Name), content, 0o644))
	}
	db, err := engine.Open(left, nil)
	if err != nil {
		t.Fatalf("after a loss of power: %v", err)
	}
	t.Cleanup(func() { ok(t, db.Close(), left.Close()) })
	return db
}

func openEngine(t *testing.T, fs vfs.FS, o *engine.Options) *engine.DB {
	t.Helper()
	db, err := engine.Open(fs, o)
	ok(t, err)
	return db
}

// taken tries a Strict write until it is acknowledged, and returns how often that failed.
func taken(t *testing.T, db *engine.DB, key string, value []byte) (failures int) {
	t.Helper()
	for ; failures < 5; failures++ {
		err := db.Put([]byte(key), value, engine.Strict)
		if err == nil {
			return failures
		}
		if !errors.Is(err, vfs.ErrIO) {
			t.Fatalf("Put: %v", err)
		}
	}
	t.Fatal("the store takes no more writes")
	return failures
}

func holds(t *testing.T, db *engine.DB, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if _, err := db.Get(nil, []byte(key)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestEngineAcknowledgesNoWriteBehindAGapInItsLog(t *testing.T) {
	fs := newLossyFS(t)
	db := openEngine(t, fs, nil)
	ok(t, db.Put([]byte("a"), []byte("v"), engine.Relaxed))
	fs.loseLog()
	if written(t, fs.FS, "other", "x").Sync(vfs.Strict) == nil {
		t.Error("a sync beside a log that has lost bytes succeeded")
	}
	if taken(t, db, "b", []byte("v")) == 0 {
		t.Error("a write was acknowledged in a log that has lost bytes")
	}
	ok(t, db.Put([]byte("c"), []byte("v"), engine.Relaxed), db.Sync(engine.Strict))
	ok(t, db.Close())
	holds(t, fs.afterPowerLoss(t), "a", "b", "c")
	ok(t, fs.Close())
}

// Nothing writes to the log while all room is taken: the flushes that fail have to find out why.
func TestEngineWithoutRoomGivesALostLogUp(t *testing.T) {
	lossy := newLossyFS(t)
	fs := faultfs.New(lossy, nil)
	db := openEngine(t, fs, &engine.Options{MemtableSize: 8 << 10})
	isTable := func(op faultfs.Op) bool { return strings.HasSuffix(op.Name, ".ldb") }
	fs.SetRule(faultfs.On(isTable, faultfs.From(0, faultfs.Fault{Err: vfs.ErrNoSpace})))
	var keys []string
	for err := error(nil); err == nil; {
		key := fmt.Sprint("key", len(keys))
		if err = db.Put([]byte(key), make([]byte, 1000), engine.Relaxed); err == nil {
			keys = append(keys, key)
		}
	}
	lossy.loseLog()
	fs.SetRule(nil)
	taken(t, db, "b", make([]byte, 1000))
	ok(t, db.Close())
	holds(t, lossy.afterPowerLoss(t), append(keys, "b")...)
	ok(t, lossy.Close())
}

// Nothing writes to the log while an edit that failed must be undone.
func TestEngineWithAFailedEditGivesALostLogUp(t *testing.T) {
	lossy := newLossyFS(t)
	fs := faultfs.New(lossy, nil)
	db := openEngine(t, fs, nil)
	ok(t, db.Put([]byte("a"), []byte("v"), engine.Strict), db.Flush())
	var once sync.Once
	fs.OnOp(func(_ int, op faultfs.Op) {
		if op.Kind == faultfs.Sync && strings.HasPrefix(op.Name, "MANIFEST") {
			once.Do(func() {
				ok(t, db.Put([]byte("b"), []byte("v"), engine.Relaxed))
				lossy.loseLog()
			})
		}
	})
	err := db.Ingest(func(yield func(key, value []byte) bool) { yield([]byte("n"), []byte("v")) })
	if !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Ingest: %v", err)
	}
	taken(t, db, "c", []byte("v"))
	ok(t, db.Close())
	left := lossy.afterPowerLoss(t)
	holds(t, left, "a", "b", "c")
	if found, err := left.Has([]byte("n")); found || err != nil {
		t.Errorf("what was not ingested is there: %t, %v", found, err)
	}
	ok(t, lossy.Close())
}

// A compaction that fails has to find out that writes have lost their log.
func TestEngineThatCompactsGivesALostLogUp(t *testing.T) {
	lossy := newLossyFS(t)
	fs := faultfs.New(lossy, nil)
	db := openEngine(t, fs, &engine.Options{L0CompactionFiles: 2})
	ok(t, db.Put([]byte("a"), []byte("v"), engine.Strict), db.Flush())
	ok(t, db.Put([]byte("a"), []byte("w"), engine.Strict))
	begun, lost := make(chan struct{}), make(chan struct{})
	var tables atomic.Int32
	fs.OnOp(func(_ int, op faultfs.Op) {
		// The first table is the flush's, the second the compaction's.
		if op.Kind == faultfs.Create && strings.HasSuffix(op.Name, ".ldb") && tables.Add(1) == 2 {
			close(begun)
			<-lost
		}
	})
	ok(t, db.Flush())
	<-begun
	ok(t, db.Put([]byte("b"), []byte("v"), engine.Relaxed))
	lossy.loseLog()
	close(lost)
	for db.Metrics().Flushes < 3 {
		time.Sleep(100 * time.Microsecond)
	}
	ok(t, db.Close())
	holds(t, lossy.afterPowerLoss(t), "a", "b")
	ok(t, lossy.Close())
}
