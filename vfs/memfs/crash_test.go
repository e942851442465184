package memfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// script runs one command a word: "a+xyz" creates file a if need be and appends xyz to it,
// "a!" syncs it strictly, "a~" relaxedly, "a." closes it, "a-" removes it, "a>b" renames it.
func script(t *testing.T, fs *memfs.FS, commands string) {
	t.Helper()
	writers := make(map[string]vfs.Writer)
	for _, command := range strings.Fields(commands) {
		name, rest := command[:1], command[2:]
		var err error
		switch w := writers[name]; command[1] {
		case '+':
			if w == nil {
				w, err = fs.Create(name)
				writers[name] = w
			}
			if err == nil {
				_, err = w.Write([]byte(rest))
			}
		case '!':
			err = w.Sync(vfs.Strict)
		case '~':
			err = w.Sync(vfs.Relaxed)
		case '.':
			err = w.Close()
			delete(writers, name)
		case '-':
			err = fs.Remove(name)
			delete(writers, name)
		case '>':
			err = fs.Rename(name, rest)
		}
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
	}
}

// dump shows a directory as "a=content b=content".
func dump(t *testing.T, fs *memfs.FS) string {
	t.Helper()
	infos, err := fs.List()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, info := range infos {
		files = append(files, info.Name+"="+string(read(t, fs, info.Name)))
	}
	return strings.Join(files, " ")
}

func read(t *testing.T, fs *memfs.FS, name string) []byte {
	t.Helper()
	r, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, r.Size())
	if n, err := r.ReadAt(p, 0); n != len(p) {
		t.Fatal(err)
	}
	return p
}

// Each case names everything that a crash may leave: no less, no more.
func TestCrashLeaves(t *testing.T) {
	for _, c := range []struct {
		name    string
		history string
		certain string   // with no luck
		process []string // with luck, when the process ends
		power   []string // with luck, when the power fails; nil: as process
	}{
		{"nothing of an unsynced file, or a prefix",
			"a+xy", "", []string{"", "a=", "a=x", "a=xy"}, []string{"", "a=", "a=0", "a=00", "a=x", "a=xy"}},
		{"an unsynced file that was closed likewise",
			"a+xy a.", "", []string{"", "a=", "a=x", "a=xy"}, []string{"", "a=", "a=0", "a=00", "a=x", "a=xy"}},
		{"what was synced, and a prefix of the rest",
			"a+x a! a+yz", "a=x", []string{"a=x", "a=xy", "a=xyz"}, []string{"a=x", "a=x0", "a=x00", "a=xy", "a=xyz"}},
		{"an empty file that was synced",
			"a+ a!", "a=", []string{"a="}, nil},
		{"relaxed syncs, unless the power fails",
			"a+x a~ a+y a~", "a=xy", []string{"a=xy"}, []string{"", "a=", "a=0", "a=x", "a=x0", "a=xy"}},
		{"syncs of all files in their order",
			"a+x a~ b+y b~ a+z a~", "a=xz b=y", []string{"a=xz b=y"},
			[]string{"", "a=", "a=0", "a=x", "a=x b=", "a=x b=0", "a=x b=y", "a=x0 b=y", "a=xz b=y"}},
		{"the relaxed syncs before a strict one",
			"a+x a~ b+y b! c+z c~", "a=x b=y c=z", []string{"a=x b=y c=z"},
			[]string{"a=x b=y", "a=x b=y c=", "a=x b=y c=0", "a=x b=y c=z"}},
		{"unsynced bytes, even where a sync of another file is lost",
			"a+x a~ b+y b~ a+z", "a=x b=y", []string{"a=x b=y", "a=xz b=y"},
			[]string{"", "a=", "a=0", "a=x", "a=x b=", "a=x b=0", "a=x b=y", "a=x0", "a=x0 b=", "a=x0 b=0", "a=x0 b=y",
				"a=xz", "a=xz b=", "a=xz b=0", "a=xz b=y"}},
		{"a removed file, perhaps",
			"a+x a! a. a-", "", []string{"", "a=x"}, nil},
		{"nothing of a removed file that was not synced",
			"a+x a-", "", []string{""}, nil},
		{"the old file, the new one or none while a replacement is not synced",
			"a+x a! a. a+y", "", []string{"", "a=", "a=y", "a=x"}, []string{"", "a=", "a=0", "a=y", "a=x"}},
		{"the new file once it is synced",
			"a+x a! a. a+y a!", "a=y", []string{"a=y"}, nil},
		{"a renamed file under its new name",
			"a+x a! a. a>b", "b=x", []string{"b=x"}, nil},
		{"the replacement alone after a rename",
			"a+x a! a. b+y b! b. a>b", "b=x", []string{"b=x"}, nil},
		{"everything synced before a rename",
			"a+x a~ a. b+y b~ b. a>c", "b=y c=x", []string{"b=y c=x"}, nil},
		{"the name, but not the bytes, of a file that was renamed unsynced",
			"a+x a. a>b", "b=", []string{"b=", "b=x"}, []string{"b=", "b=0", "b=x"}},
		{"no removal undone where a rename took the name",
			"a+x a! a. a- b+y b! b. b>a", "a=y", []string{"a=y"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := memfs.New()
			script(t, fs, c.history)
			if c.power == nil {
				c.power = c.process
			}
			if got := dump(t, fs.Crash(memfs.Keep{})); got != c.certain {
				t.Errorf("certain is %q, want %q", got, c.certain)
			}
			wantOutcomes(t, fs, false, c.process)
			wantOutcomes(t, fs, true, c.power)
		})
	}
}

// wantOutcomes fails the test unless crashes leave each of the outcomes, in which 0 is a zero, and
// no other.
func wantOutcomes(t *testing.T, fs *memfs.FS, powerLoss bool, want []string) {
	t.Helper()
	seen := make(map[string]bool)
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		found := dump(t, fs.Crash(memfs.Keep{Rand: random, PowerLoss: powerLoss}))
		seen[strings.ReplaceAll(found, "\x00", "0")] = true
	}
	got := slices.Sorted(maps.Keys(seen))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("power loss %v: crashes left %q, want %q", powerLoss, got, want)
	}
}

func TestZerosBeginBehindWhatWasSyncedOrWithASector(t *testing.T) {
	fs := memfs.New()
	synced, written := strings.Repeat("x", 700), strings.Repeat("y", 2000)
	script(t, fs, "a+"+synced+" a! a+"+written)
	random, seen := rand.New(rand.NewPCG(1, 2)), map[int]bool{}
	for range 2000 {
		found := read(t, fs.Crash(memfs.Keep{Rand: random, PowerLoss: true}), "a")
		kept := len(bytes.TrimRight(found, "\x00"))
		if string(found[:kept]) != (synced + written)[:kept] || len(found) > len(synced+written) {
			t.Fatalf("found %q", found)
		}
		if kept < len(found) {
			seen[kept] = true
		}
	}
	if got, want := slices.Sorted(maps.Keys(seen)), []int{700, 1024, 1536, 2048, 2560}; !slices.Equal(got, want) {
		t.Errorf("zeros begin at %d, want %d", got, want)
	}
}

func TestCrashWithoutLuckInAPowerLossKeepsStrictSyncsOnly(t *testing.T) {
	fs := memfs.New()
	script(t, fs, "a+x a! a+y a~ b+z b~")
	if got := dump(t, fs.Crash(memfs.Keep{PowerLoss: true})); got != "a=x" {
		t.Errorf("found %q, want a=x", got)
	}
}

func TestCrashLeavesTheFileSystemAlone(t *testing.T) {
	fs := memfs.New()
	lock, err := fs.Lock()
	if err != nil {
		t.Fatal(err)
	}
	w, err := fs.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := fmt.Fprint(w, i); err != nil {
			t.Fatal(err)
		}
		crashed := fs.Crash(memfs.Keep{Rand: rand.New(rand.NewPCG(uint64(i), 1))})
		script(t, crashed, "a+other a! b+other b!")
		if _, err := crashed.Lock(); err != nil {
			t.Errorf("lock after a crash: %v", err)
		}
	}
	if err := errors.Join(w.Sync(vfs.Strict), w.Close(), lock.Close()); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, fs); got != "a=0123456789" {
		t.Errorf("after the crashes of others: %q", got)
	}
}

func TestCrashIsRepeatable(t *testing.T) {
	fs := memfs.New()
	script(t, fs, "a+xxxxxxxx b+yyyyyyyy b~ c+zzzzzzzz c~ d+wwwwwwww")
	for seed := range uint64(50) {
		var found [2]string
		for i := range found {
			found[i] = dump(t, fs.Crash(memfs.Keep{Rand: rand.New(rand.NewPCG(seed, 1)), PowerLoss: true}))
		}
		if found[0] != found[1] {
			t.Fatalf("seed %d: %q, then %q", seed, found[0], found[1])
		}
	}
}

func TestWhatACrashLeftIsDurable(t *testing.T) {
	fs := memfs.New()
	script(t, fs, "a+xxxx b+yyyy b~")
	for seed := range uint64(50) {
		found := fs.Crash(memfs.Keep{Rand: rand.New(rand.NewPCG(seed, 1)), PowerLoss: true})
		if first, second := dump(t, found), dump(t, found.Crash(memfs.Keep{PowerLoss: true})); first != second {
			t.Fatalf("seed %d: %q, after another crash %q", seed, first, second)
		}
	}
}

func TestCloneHasAllBytesAndTheSameLeftToLose(t *testing.T) {
	fs := memfs.New()
	script(t, fs, "c+old c! c. c- a+x a! a+y a~ a+z b+no")
	clone := fs.Clone()
	if got := dump(t, clone); got != "a=xyz b=no" {
		t.Errorf("clone has %q", got)
	}
	script(t, fs, "d+w d! e+v e!") // no longer the clone's affair
	wantOutcomes(t, clone.Clone(), true, outcomes("a=x", "a=x0", "a=xy", "a=xy0", "a=xyz"))
}

// outcomes gives every a with every fate of the unsynced b and the removed c.
func outcomes(as ...string) []string {
	var all []string
	for _, a := range as {
		for _, b := range []string{"", " b=", " b=n", " b=no", " b=0", " b=00"} {
			for _, c := range []string{"", " c=old"} {
				all = append(all, a+b+c)
			}
		}
	}
	return all
}

func TestAbandonedWriterDropsWhatWasNotSynced(t *testing.T) {
	fs := memfs.New()
	w, err := fs.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := w.Sync(vfs.Relaxed); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	w.(interface{ Abandon() }).Abandon()
	if _, err := w.Write([]byte("more")); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Sync(vfs.Strict); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Sync: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wantOutcomes(t, fs, false, []string{"a=kept"})
}

func TestUnsyncedBytesAreHiddenWhileTheWriterIsOpen(t *testing.T) {
	fs := memfs.New()
	script(t, fs, "a+xy a~ a+z")
	if got := dump(t, fs); got != "a=xy" {
		t.Errorf("before Close: %q, want a=xy", got)
	}
	script(t, fs, "b+xy b~ b+z b.")
	if got := string(read(t, fs, "b")); got != "xyz" {
		t.Errorf("after Close: %q, want xyz", got)
	}
}

func TestRenameRefusesAFileThatIsOpenForWriting(t *testing.T) {
	fs := memfs.New()
	script(t, fs, "a+x a!")
	if err := fs.Rename("a", "b"); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("Rename: %v, want one that wraps %q", err, vfs.ErrIO)
	}
	if got := dump(t, fs); got != "a=x" {
		t.Errorf("directory is %q", got)
	}
}

func TestOldRelaxedSyncsSettleByThemselves(t *testing.T) {
	fs := memfs.New()
	w, err := fs.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	const syncs = 20_000
	for range syncs {
		if _, err := w.Write([]byte{'x'}); err != nil {
			t.Fatal(err)
		}
		if err := w.Sync(vfs.Relaxed); err != nil {
			t.Fatal(err)
		}
	}
	left := len(read(t, fs.Crash(memfs.Keep{PowerLoss: true}), "a"))
	if left == 0 || left == syncs {
		t.Errorf("%d of %d relaxed syncs outlive a loss of power, want some", left, syncs)
	}
}

func TestOldRemovalsAreFinal(t *testing.T) {
	fs := memfs.New()
	const files = 200
	for i := range files {
		name := fmt.Sprintf("%06d.ldb", i)
		w, err := fs.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Sync(vfs.Relaxed), w.Close(), fs.Remove(name)); err != nil {
			t.Fatal(err)
		}
	}
	wantFewRemovalsUndone(t, fs)
	script(t, fs, "a+x a! a. a-") // settles the relaxed syncs
	wantFewRemovalsUndone(t, fs)
}

func wantFewRemovalsUndone(t *testing.T, fs *memfs.FS) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		infos, err := fs.Crash(memfs.Keep{Rand: random}).List()
		if err != nil {
			t.Fatal(err)
		}
		if len(infos) == 0 || len(infos) > 32 {
			t.Fatalf("these removals came undone: %v", infos)
		}
	}
}
