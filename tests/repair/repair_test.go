package repair

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

func options() *engine.Options {
	return &engine.Options{
		MemtableSize: 8 << 10, TableSize: 4 << 10, BaseLevelSize: 12 << 10, BlockSize: 512,
		L0CompactionFiles: 3, L0StopFiles: 9,
	}
}

// build makes a store with several levels, tables in level 0, and two logs to be replayed.
func build(t *testing.T, seed uint64) *memfs.FS {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	fs := memfs.New()
	for _, writes := range []int{1500, 20, 20} {
		db, err := engine.Open(fs, options())
		if err != nil {
			t.Fatal(err)
		}
		for i := range writes {
			key := fmt.Appendf(nil, "key%03d", rng.IntN(300))
			if rng.IntN(4) == 0 {
				err = db.Delete(key, engine.Relaxed)
			} else {
				err = db.Put(key, fmt.Appendf(nil, "%d.%d.%s", writes, i, strings.Repeat("x", rng.IntN(50))), engine.Relaxed)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if writes > 100 {
			err = db.Flush()
		}
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

// damages are what is done to the files of a store before it is repaired.
var damages = []struct {
	name    string
	inflict func(t *testing.T, fs *memfs.FS)
}{
	{"a table damaged", func(t *testing.T, fs *memfs.FS) { overwrite(t, fs, "ldb", 100, 50) }},
	{"every table damaged", func(t *testing.T, fs *memfs.FS) {
		for _, name := range names(t, fs, "ldb") {
			overwrite(t, fs, name, 300, 20)
		}
	}},
	{"a log damaged", func(t *testing.T, fs *memfs.FS) { overwrite(t, fs, "log", 60, 1) }},
	{"CURRENT garbage, a table missing", func(t *testing.T, fs *memfs.FS) {
		overwrite(t, fs, "CURRENT", 0, 5)
		remove(t, fs, "ldb")
	}},
	{"manifest damaged", func(t *testing.T, fs *memfs.FS) { overwrite(t, fs, "MANIFEST", 20, 10) }},
	{"CURRENT and manifest missing, a log and a table damaged", func(t *testing.T, fs *memfs.FS) {
		remove(t, fs, "CURRENT")
		remove(t, fs, "MANIFEST")
		overwrite(t, fs, "ldb", 0, 600)
		overwrite(t, fs, "log", 10, 1)
	}},
}

func names(t *testing.T, fs vfs.FS, part string) []string {
	t.Helper()
	infos, err := fs.List()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, info := range infos {
		if strings.Contains(info.Name, part) && info.Size > 0 {
			found = append(found, info.Name)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no %s among %v", part, infos)
	}
	return found
}

// overwrite changes n bytes of the first file whose name has that part.
func overwrite(t *testing.T, fs vfs.FS, part string, at, n int) {
	t.Helper()
	name := names(t, fs, part)[0]
	r, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, r.Size())
	if _, err := r.ReadAt(content, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	for i := at; i < min(at+n, len(content)); i++ {
		content[i] ^= 0x55
	}
	w, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(content)
	if err := errors.Join(err, w.Sync(vfs.Strict), w.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, fs vfs.FS, part string) {
	t.Helper()
	if err := fs.Remove(names(t, fs, part)[0]); err != nil {
		t.Fatal(err)
	}
}

// contents opens the store, checks it, and returns what it holds.
func contents(fs vfs.FS) (map[string]string, error) {
	db, err := engine.Open(fs, options())
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	it, err := db.NewIterator(engine.IterOptions{})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	for ok := it.First(); ok; ok = it.Next() {
		got[string(it.Key())] = string(it.Value())
	}
	err = errors.Join(it.Error(), it.Close(), db.Flush(), db.Compact(nil, nil))
	_, verifyErr := db.Verify()
	return got, errors.Join(err, db.Check(), verifyErr, db.Close())
}

// damaged returns a damaged store, durable, and what a repair makes of it.
func damaged(t *testing.T, inflict func(t *testing.T, fs *memfs.FS)) (fs *memfs.FS, want map[string]string) {
	t.Helper()
	fs = build(t, 1)
	inflict(t, fs)
	fs = fs.Crash(memfs.Keep{}) // nothing is lost: all is synced
	repaired := fs.Clone()
	report, err := engine.Repair(repaired, options())
	if err != nil || len(report.Problems) == 0 {
		t.Fatalf("Repair = %v, %v", report, err)
	}
	if want, err = contents(repaired); err != nil || len(want) < 20 {
		t.Fatalf("the repaired store has %d keys, %v\n%v", len(want), err, report)
	}
	return fs, want
}

func checkRepair(t *testing.T, fs vfs.FS, want map[string]string, what string) {
	t.Helper()
	report, err := engine.Repair(fs, options())
	if err != nil {
		t.Fatalf("%s: Repair again: %v", what, err)
	}
	got, err := contents(fs)
	if err != nil {
		t.Fatalf("%s: after repairing again: %v\n%v", what, err, report)
	}
	if !maps.Equal(got, want) {
		t.Fatalf("%s: repairing again gives %d keys, want the %d of one repair\n%v", what, len(got), len(want), report)
	}
}

func TestRepairWorksAgainAfterACrashAtEveryOperation(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			medium, want := damaged(t, d.inflict)
			type picture struct {
				fs *memfs.FS
				at string
			}
			var pictures []picture
			fs := faultfs.New(medium, nil)
			fs.OnOp(func(n int, op faultfs.Op) {
				for _, keep := range []memfs.Keep{
					{},
					{PowerLoss: true},
					{PowerLoss: true, Rand: rand.New(rand.NewPCG(uint64(n), 0))},
				} {
					pictures = append(pictures, picture{medium.Crash(keep), fmt.Sprintf("crash before operation %d, %v", n, op)})
				}
			})
			if _, err := engine.Repair(fs, options()); err != nil {
				t.Fatal(err)
			}
			for _, p := range pictures {
				checkRepair(t, p.fs, want, p.at)
			}
			t.Logf("%d crashes", len(pictures))
		})
	}
}

func TestRepairWorksAgainAfterAFaultInEveryOperation(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			original, want := damaged(t, d.inflict)
			for n, last := 0, false; !last; n++ {
				for _, fault := range []faultfs.Fault{{Err: vfs.ErrIO}, {Err: vfs.ErrNoSpace, Done: true}} {
					medium := original.Clone()
					fs := faultfs.New(medium, faultfs.Nth(n, fault))
					_, err := engine.Repair(fs, options())
					last = n >= len(fs.Ops())
					what := fmt.Sprintf("operation %d fails with %v", n, fault.Err)
					if err != nil && !errors.Is(err, fault.Err) {
						t.Fatalf("%s: Repair = %v", what, err)
					}
					checkRepair(t, medium, want, what)
				}
			}
		})
	}
}

// A medium that takes no more must not lose what it has.
func TestRepairOnAFullMediumChangesNothing(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			medium, want := damaged(t, d.inflict)
			before := names(t, medium, "")
			fs := faultfs.New(medium, faultfs.On(faultfs.Kinds(faultfs.Write, faultfs.Sync), faultfs.From(3, faultfs.Fault{Err: vfs.ErrNoSpace})))
			if _, err := engine.Repair(fs, options()); !errors.Is(err, vfs.ErrNoSpace) {
				t.Fatalf("Repair = %v", err)
			}
			if after := names(t, medium, ""); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("there are the files %v, there were %v", after, before)
			}
			checkRepair(t, medium, want, "full medium")
		})
	}
}
