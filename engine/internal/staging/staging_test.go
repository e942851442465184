package staging

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// storeNames are the files of a store.
var storeNames = []string{"000003.log", "000005.ldb", "MANIFEST-000004", base.CurrentName}

func ok(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// write makes a file with that content.
func write(fs vfs.FS, name, content string, d vfs.Durability) error {
	w, err := fs.Create(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, content)
	return errors.Join(err, w.Sync(d), w.Close())
}

// writeStore writes files that hold their names, CURRENT as the last and by a Rename.
func writeStore(fs vfs.FS) error {
	for _, name := range storeNames[:3] {
		if err := write(fs, name, name, vfs.Relaxed); err != nil {
			return err
		}
	}
	const temp = "000009.dbtmp"
	if err := write(fs, temp, base.CurrentName, vfs.Relaxed); err != nil {
		return err
	}
	return fs.Rename(temp, base.CurrentName)
}

// stageStore puts a store in place and commits it, or abandons what it has of it.
func stageStore(fs vfs.FS) error {
	stage, err := Begin(fs)
	if err != nil {
		return err
	}
	if err = writeStore(stage); err == nil {
		err = stage.Commit()
	}
	if err != nil {
		return errors.Join(err, stage.Abandon())
	}
	return nil
}

func begin(t *testing.T, fs vfs.FS) *FS {
	t.Helper()
	stage, err := Begin(fs)
	ok(t, err)
	return stage
}

func read(t *testing.T, fs vfs.FS, name string) string {
	t.Helper()
	r, err := fs.Open(name)
	ok(t, err)
	content, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	ok(t, err, r.Close())
	return string(content)
}

// names lists the files, with a "-" before those that are empty.
func names(t *testing.T, fs vfs.FS) string {
	t.Helper()
	infos, err := fs.List()
	ok(t, err)
	var list []string
	for _, info := range infos {
		if info.Size == 0 {
			info.Name = "-" + info.Name
		}
		list = append(list, info.Name)
	}
	return strings.Join(list, " ")
}

func isStore(t *testing.T, fs vfs.FS) bool {
	t.Helper()
	exists, err := manifest.Exists(fs)
	if err != nil {
		t.Fatalf("files %s: %v", names(t, fs), err)
	}
	return exists
}

func TestStagedStoreIsFoundThroughItsFSAlone(t *testing.T) {
	fs := memfs.New()
	stage := begin(t, fs)
	ok(t, writeStore(stage))
	if isStore(t, fs) || !isStore(t, stage) {
		t.Errorf("before Commit: files %s, and staged %s", names(t, fs), names(t, stage))
	}
	if got, want := names(t, stage), "000003.log 000005.ldb CURRENT MANIFEST-000004"; got != want {
		t.Errorf("the staged store has files %s, want %s", got, want)
	}
	if got := read(t, stage, base.CurrentName); got != base.CurrentName {
		t.Errorf("the staged CURRENT holds %q", got)
	}
	ok(t, stage.Commit())
	if got, want := names(t, fs), "000003.log 000005.ldb CURRENT MANIFEST-000004"; got != want {
		t.Errorf("after Commit: files %s, want %s", got, want)
	}
}

// An engine that verifies a staged store may give it another manifest.
func TestStagedCurrentIsReplacedAndRemovedAsOthersAre(t *testing.T) {
	fs := memfs.New()
	stage := begin(t, fs)
	ok(t, writeStore(stage))
	ok(t, write(stage, "000010.dbtmp", "another", vfs.Strict), stage.Rename("000010.dbtmp", base.CurrentName))
	if got := read(t, stage, base.CurrentName); got != "another" || isStore(t, fs) {
		t.Errorf("the staged CURRENT holds %q, and the files are %s", got, names(t, fs))
	}
	ok(t, write(stage, base.CurrentName, "a third", vfs.Strict))
	if got := read(t, stage, base.CurrentName); got != "a third" || isStore(t, fs) {
		t.Errorf("the staged CURRENT holds %q, and the files are %s", got, names(t, fs))
	}
	ok(t, stage.Remove(base.CurrentName))
	if got, want := names(t, fs), "000003.log 000005.ldb MANIFEST-000004"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
}

func TestCommitMakesDurableWhatWasSynced(t *testing.T) {
	fs := memfs.New()
	ok(t, stageStore(fs))
	found := fs.Crash(memfs.Keep{PowerLoss: true})
	for _, name := range storeNames {
		if got := read(t, found, name); got != name {
			t.Errorf("after a loss of power, %s holds %q", name, got)
		}
	}
}

func TestBeginRemovesWhatAnotherLeft(t *testing.T) {
	fs := memfs.New()
	ok(t, writeStore(begin(t, fs)))
	for _, name := range []string{"LOG", "letter.txt", "000007.dbtmp"} {
		ok(t, write(fs, name, name, vfs.Strict))
	}
	begin(t, fs)
	if got, want := names(t, fs), base.StagedName+" LOG letter.txt"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
}

func TestCleanTouchesOnlyWhatWasBegunAndNotCommitted(t *testing.T) {
	for _, present := range [][]string{
		storeNames,
		storeNames[:3], // it has lost its CURRENT: that is damage, not rubbish
		append(slices.Clone(storeNames), base.StagedName),
		{"letter.txt"},
	} {
		fs := memfs.New()
		for _, name := range present {
			ok(t, write(fs, name, name, vfs.Strict))
		}
		before := names(t, fs)
		ok(t, Clean(fs))
		if after := names(t, fs); after != before {
			t.Errorf("of %s it left %s", before, after)
		}
	}
}

// Removals may come undone: neither may a store seem to have lost its CURRENT then, nor a log come
// back that the next store would replay.
func TestWhatACrashUndoesOfAbandonIsNoStore(t *testing.T) {
	for seed := range uint64(200) {
		fs := memfs.New()
		stage := begin(t, fs)
		ok(t, writeStore(stage), stage.Abandon())
		if got := names(t, fs); !strings.HasSuffix(got, base.StagedName) || strings.Contains(got, " ") {
			t.Fatalf("Abandon left %s", got)
		}
		found := fs.Crash(memfs.Keep{Rand: rand.New(rand.NewPCG(seed, 0)), PowerLoss: seed%2 == 0})
		if isStore(t, found) {
			t.Fatalf("seed %d: a store came back: %s", seed, names(t, found))
		}
		if left := names(t, found); strings.Contains(" "+left, " 000003.log") {
			t.Fatalf("seed %d: a log came back with its content: %s", seed, left)
		}
	}
}

func TestCrashLeavesNoStoreOrAWholeOne(t *testing.T) {
	for _, powerLoss := range []bool{false, true} {
		medium := memfs.New()
		fs := faultfs.New(medium, nil)
		rng := rand.New(rand.NewPCG(1, 2))
		var found []*memfs.FS
		fs.OnOp(func(int, faultfs.Op) {
			for range 20 {
				found = append(found, medium.Crash(memfs.Keep{Rand: rng, PowerLoss: powerLoss}))
			}
		})
		ok(t, stageStore(fs))
		for _, f := range found {
			if isStore(t, f) {
				for _, name := range storeNames {
					if got := read(t, f, name); got != name {
						t.Fatalf("%s of the store that was found holds %q", name, got)
					}
				}
				continue
			}
			ok(t, Clean(f))
			if left := names(t, f); left != "" && strings.TrimPrefix(left, "-") != base.StagedName {
				t.Fatalf("Clean left %s", left)
			}
		}
	}
}

func TestEveryFailureIsToldAndLeavesNoStore(t *testing.T) {
	whole := faultfs.New(memfs.New(), nil)
	ok(t, stageStore(whole))
	for n := range whole.Ops() {
		t.Run(fmt.Sprint(n, " ", whole.Ops()[n]), func(t *testing.T) {
			fs := memfs.New()
			fault := faultfs.Fault{Err: vfs.ErrNoSpace}
			err := stageStore(faultfs.New(fs, func(i int, _ faultfs.Op) *faultfs.Fault {
				if i == n {
					return &fault
				}
				return nil
			}))
			if !errors.Is(err, vfs.ErrNoSpace) {
				t.Errorf("it fails with %v", err)
			}
			if isStore(t, fs) {
				t.Errorf("it left a store: %s", names(t, fs))
			}
		})
	}
}

func TestLockOfTheStageIsTheCallers(t *testing.T) {
	fs := memfs.New()
	held, err := fs.Lock()
	ok(t, err)
	lock, err := begin(t, fs).Lock()
	ok(t, err, lock.Close())
	if _, err := fs.Lock(); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("the caller's lock, after the stage's was closed: %v", err)
	}
	ok(t, held.Close())
}
