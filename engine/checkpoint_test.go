package engine_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/vfs/osfs"
)

func TestCheckpointHoldsAllThatWasAcknowledgedBefore(t *testing.T) {
	s := newDamagedStore(t, 7)
	db := openStore(t, s.fs)
	must(t, db.Put([]byte("deferred"), []byte("value"), engine.Deferred))
	s.model["deferred"] = "value"
	dest := memfs.New()
	must(t, db.Checkpoint(dest))
	must(t, db.Put([]byte("later"), []byte("value"), engine.Strict))
	must(t, db.Check())
	must(t, db.Close())
	if got := readStore(t, dest.Crash(memfs.Keep{PowerLoss: true})); !maps.Equal(got, s.model) {
		t.Errorf("the copy has %d keys, want %d, or other values", len(got), len(s.model))
	}
	if report, err := engine.Repair(dest, nil); err != nil || len(report.Problems) > 0 {
		t.Errorf("Repair of the copy = %v, %v", report, err)
	}
}

// Write n sets keys "a", "b" and the key n%50 to n: any state tells which writes it has.
func TestCheckpointUnderConcurrentWritesIsAPrefix(t *testing.T) {
	fs := memfs.New()
	db := openStore(t, fs)
	var acknowledged atomic.Int64
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := writeNumbered(db, n); err != nil {
				stopped <- err
				return
			}
			acknowledged.Store(int64(n))
		}
	}()
	for range 8 {
		for before := acknowledged.Load(); acknowledged.Load() < before+100; {
			time.Sleep(time.Millisecond)
		}
		low := acknowledged.Load()
		dest := memfs.New()
		must(t, db.Checkpoint(dest))
		high := acknowledged.Load() + 1
		n := numberOf(t, readStore(t, dest))
		if int64(n) < low || int64(n) > high {
			t.Errorf("the copy has the writes up to %d; %d were acknowledged before, %d begun when it was done", n, low, high)
		}
	}
	close(stop)
	must(t, <-stopped)
	must(t, db.Close())
}

func writeNumbered(db *engine.DB, n int) error {
	var b engine.Batch
	value := []byte(strconv.Itoa(n))
	err := errors.Join(b.Put([]byte("a"), value), b.Put(fmt.Appendf(nil, "m%02d", n%50), value), b.Put([]byte("z"), value))
	return errors.Join(err, db.Apply(&b, engine.Relaxed))
}

// numberOf returns which write was the last, and fails unless the content is what it left.
func numberOf(t *testing.T, got map[string]string) int {
	t.Helper()
	n, _ := strconv.Atoi(got["a"])
	want := map[string]string{"a": got["a"], "z": got["a"]}
	for i := max(1, n-49); i <= n; i++ {
		want[fmt.Sprintf("m%02d", i%50)] = strconv.Itoa(i)
	}
	if !maps.Equal(got, want) {
		t.Fatalf("the copy has %v, which is not what write %d left", got, n)
	}
	return n
}

func TestCheckpointIntoAStoreIsErrExists(t *testing.T) {
	fs := memfs.New()
	db := openStore(t, fs)
	defer db.Close()
	for _, name := range []string{"CURRENT", "000001.ldb", "000001.log", "MANIFEST-000001", "000001.dbtmp"} {
		dest := memfs.New()
		writeFile(t, dest, name, []byte("content"))
		before := dest.Clone()
		if err := db.Checkpoint(dest); !errors.Is(err, engine.ErrExists) {
			t.Errorf("Checkpoint beside %s = %v", name, err)
		}
		checkSameFiles(t, dest, before)
	}
	if err := db.Checkpoint(fs); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("Checkpoint into the store itself = %v", err)
	}
	dest := memfs.New()
	writeFile(t, dest, "notes.txt", []byte("content"))
	must(t, db.Checkpoint(dest))
}

func TestCheckpointThatFailsRemovesWhatItWrote(t *testing.T) {
	s := newDamagedStore(t, 7)
	db := openStore(t, s.fs)
	for _, done := range []bool{false, true} {
		t.Run(fmt.Sprintf("done all the same: %v", done), func(t *testing.T) {
			fault := faultfs.Fault{Err: vfs.ErrNoSpace, Done: done}
			inner := memfs.New()
			writeFile(t, inner, "notes.txt", []byte("content"))
			before := inner.Clone()
			failed := 0
			for ; ; failed++ {
				dest := faultfs.New(inner, faultfs.On(notCleaning, faultfs.Nth(failed, fault)))
				err := db.Checkpoint(dest)
				if err == nil {
					break
				}
				if !errors.Is(err, vfs.ErrNoSpace) {
					t.Fatalf("Checkpoint with operation %d failing = %v", failed, err)
				}
				checkSameFiles(t, inner, before)
			}
			if failed < 10 {
				t.Errorf("a checkpoint takes %d operations: no faults were tried", failed)
			}
			if got := readStore(t, inner); !maps.Equal(got, s.model) {
				t.Error("the copy is another store")
			}
		})
	}
	must(t, db.Check())
	must(t, db.Close())
}

// notCleaning leaves out what may fail without harm, and unlocking, which comes when all is done.
func notCleaning(op faultfs.Op) bool { return op.Kind != faultfs.Remove && op.Kind != faultfs.Unlock }

func TestCheckpointThatCrashesIsCompleteOrNoStore(t *testing.T) {
	s := newDamagedStore(t, 8)
	db := openStore(t, s.fs)
	rng := rand.New(rand.NewPCG(1, 1))
	medium := memfs.New()
	dest := faultfs.New(medium, nil)
	complete, incomplete := 0, 0
	var pictures []*memfs.FS
	dest.OnOp(func(int, faultfs.Op) {
		pictures = append(pictures, medium.Crash(memfs.Keep{PowerLoss: true}),
			medium.Crash(memfs.Keep{PowerLoss: true, Rand: rand.New(rand.NewPCG(rng.Uint64(), 0))}))
	})
	must(t, db.Checkpoint(dest))
	must(t, db.Check())
	must(t, db.Close())
	for i, crashed := range pictures {
		copied, err := engine.Open(crashed, &engine.Options{ErrorIfMissing: true})
		if err != nil {
			var corruption *engine.CorruptionError
			if !errors.Is(err, engine.ErrNoStore) && !errors.As(err, &corruption) {
				t.Fatalf("crash %d: %v", i, err)
			}
			incomplete++
			continue
		}
		must(t, copied.Close())
		complete++
		if got := readStore(t, crashed); !maps.Equal(got, s.model) {
			t.Fatalf("crash %d left a part of the store", i)
		}
	}
	if complete == 0 || incomplete == 0 {
		t.Errorf("%d crashes left a complete store, %d none", complete, incomplete)
	}
}

func TestCheckpointEndsWhenTheStoreIsClosed(t *testing.T) {
	s := newDamagedStore(t, 7)
	options := repairOptions()
	begun, goOn := make(chan struct{}), make(chan struct{})
	var copying atomic.Bool
	options.Yield = func() bool {
		if copying.CompareAndSwap(true, false) {
			close(begun)
			<-goOn
		}
		return false
	}
	db, err := engine.Open(s.fs, options)
	must(t, err)
	must(t, db.Compact(nil, nil))
	copying.Store(true)
	dest := memfs.New()
	result := make(chan error)
	go func() { result <- db.Checkpoint(dest) }()
	<-begun
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	for !errors.Is(db.Put([]byte("k"), nil, engine.Deferred), engine.ErrClosed) {
		time.Sleep(time.Millisecond)
	}
	select {
	case err := <-closed:
		t.Fatalf("Close did not wait for the checkpoint: %v", err)
	default:
	}
	close(goOn)
	if err := <-result; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Checkpoint = %v", err)
	}
	must(t, <-closed)
	checkSameFiles(t, dest, memfs.New())
	if err := db.Checkpoint(dest); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Checkpoint of a closed store = %v", err)
	}
}

func TestCheckpointToDiskAndBack(t *testing.T) {
	s := newDamagedStore(t, 7)
	db := openStore(t, s.fs)
	disk, err := osfs.Open(t.TempDir())
	must(t, err)
	must(t, db.Checkpoint(disk))
	must(t, db.Close())
	db = openStore(t, disk)
	back := memfs.New()
	must(t, db.Checkpoint(back))
	must(t, db.Close())
	must(t, disk.Close())
	if got := readStore(t, back); !maps.Equal(got, s.model) {
		t.Errorf("the copy of the copy has %d keys, want %d, or other values", len(got), len(s.model))
	}
}
