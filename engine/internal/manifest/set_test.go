package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// obsoleteOf collects the numbers of obsolete tables.
func obsoleteOf(s *Set) *[]base.FileNum {
	nums := new([]base.FileNum)
	s.OnObsolete = func(t *Table) { *nums = append(*nums, t.Num) }
	return nums
}

func liveOf(s *Set) []base.FileNum {
	live := make(map[base.FileNum]struct{})
	s.AddLive(live)
	return slices.Sorted(maps.Keys(live))
}

func TestTableIsObsoleteWhenItsLastVersionIsReleased(t *testing.T) {
	s := mustCreate(t, memfs.New())
	obsolete := obsoleteOf(s)
	mustApply(t, s, add(0, table(5, "a", "b"), table(6, "a", "b")))
	reader := s.Current()
	reader.Ref()
	mustApply(t, s, (&Edit{}).deleting(0, 5))
	mustApply(t, s, add(0, table(7, "a", "b")))
	if len(*obsolete) != 0 {
		t.Fatalf("%d are obsolete while a version has them", *obsolete)
	}
	if got := liveOf(s); !slices.Equal(got, []base.FileNum{1, 5, 6, 7}) {
		t.Errorf("live %d", got)
	}
	reader.Unref()
	if !slices.Equal(*obsolete, []base.FileNum{5}) {
		t.Errorf("obsolete %d, want 5", *obsolete)
	}
	if got := liveOf(s); !slices.Equal(got, []base.FileNum{1, 6, 7}) {
		t.Errorf("live %d", got)
	}
}

func TestMovedTableIsNotObsolete(t *testing.T) {
	s := mustCreate(t, memfs.New())
	obsolete := obsoleteOf(s)
	mustApply(t, s, add(1, table(5, "a", "b")))
	mustApply(t, s, add(2, table(5, "a", "b")).deleting(1, 5))
	mustApply(t, s, &Edit{})
	if len(*obsolete) != 0 {
		t.Errorf("obsolete %d", *obsolete)
	}
}

func TestCloseLeavesTheCurrentTablesAlone(t *testing.T) {
	s := mustCreate(t, memfs.New())
	obsolete := obsoleteOf(s)
	mustApply(t, s, add(1, table(5, "a", "b")))
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if len(*obsolete) != 0 {
		t.Errorf("obsolete %d", *obsolete)
	}
	if err := s.Apply(&Edit{}); !errors.Is(err, vfs.ErrClosed) {
		t.Errorf("Apply after Close: %v", err)
	}
	if err := s.Shrink(); !errors.Is(err, vfs.ErrClosed) {
		t.Errorf("Shrink after Close: %v", err)
	}
}

func TestReleasingAVersionTwicePanics(t *testing.T) {
	s := mustCreate(t, memfs.New())
	v := s.Current()
	mustApply(t, s, &Edit{})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	v.Unref()
}

func TestUnfitEditChangesNothing(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	obsolete := obsoleteOf(s)
	mustApply(t, s, add(1, table(5, "b", "d")))
	want := state(s)
	for _, e := range []*Edit{
		(&Edit{}).deleting(1, 6), add(2, table(5, "b", "d")), add(1, table(6, "a", "b")),
	} {
		e.LastSeq = new(base.Seq(1000))
		wantCorruption(t, s.Apply(e), "MANIFEST-000001")
	}
	if got := state(s); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := state(mustLoad(t, fs)); got != want {
		t.Errorf("loaded\n%swant\n%s", got, want)
	}
	if len(*obsolete) != 0 {
		t.Errorf("obsolete %d", *obsolete)
	}
}

func TestLastSequenceNeverDecreases(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	mustApply(t, s, &Edit{LastSeq: new(base.Seq(9))})
	mustApply(t, s, &Edit{LastSeq: new(base.Seq(7))}) // of a flush that began earlier
	if got := s.LastSeq(); got != 9 {
		t.Errorf("last sequence %d", got)
	}
	if got := mustLoad(t, fs).LastSeq(); got != 9 {
		t.Errorf("loaded last sequence %d", got)
	}
}

func TestFileNumbersAreUniqueAcrossGoroutinesAndRestarts(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := make(map[base.FileNum]bool)
	for g := range base.FileNum(4) {
		wg.Go(func() {
			for i := range base.FileNum(100) {
				num := s.NextFileNum()
				mu.Lock()
				if seen[num] {
					t.Errorf("%d given out twice", num)
				}
				seen[num] = true
				mu.Unlock()
				s.MarkFileNumUsed(10_000 + 100*g + i)
			}
		})
	}
	wg.Wait()
	mustApply(t, s, &Edit{})
	if got := mustLoad(t, fs).NextFileNum(); got < 10_400 {
		t.Errorf("next file number %d after numbers up to 10399 were used", got)
	}
}

func TestManifestIsRotatedWhenItHasGrown(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	long := strings.Repeat("k", 60<<10)
	mustApply(t, s, add(6, table(1_000, "a", "b")))
	for num := base.FileNum(10); num < 40; num++ {
		mustApply(t, s, add(1, table(num, long, long)))
		mustApply(t, s, (&Edit{}).deleting(1, num))
	}
	names := fileNames(t, fs)
	if slices.Contains(names, "MANIFEST-000001") || len(names) != 2 {
		t.Errorf("files %q, want CURRENT and one fresh manifest", names)
	}
	if size := len(readFile(t, fs, names[1])); size > minRotateSize+200<<10 {
		t.Errorf("%s has grown to %d bytes", names[1], size)
	}
	if got, want := state(mustLoad(t, fs)), state(s); got != want {
		t.Errorf("loaded\n%swant\n%s", got, want)
	}
}

func TestManifestOfAStoreWithManyTablesIsNotRotatedByEachEdit(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	e := &Edit{}
	for i := range 30 {
		name := fmt.Sprintf("%02d%s", i, strings.Repeat("k", 40<<10))
		e.Added = append(e.Added, add(1, table(base.FileNum(100+i), name, name)).Added...)
	}
	mustApply(t, s, e) // more than minRotateSize
	mustApply(t, s, &Edit{})
	fresh := fileNames(t, fs)[1]
	for range 10 {
		mustApply(t, s, &Edit{})
	}
	if got := fileNames(t, fs)[1]; got != fresh || fresh == "MANIFEST-000001" {
		t.Errorf("manifest %s became %s", fresh, got)
	}
}

func TestShrinkReplacesAManifestThatHasGrown(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	if err := s.Shrink(); err != nil {
		t.Fatal(err)
	}
	if got := fileNames(t, fs)[1]; got != "MANIFEST-000001" {
		t.Errorf("%s took the place of a manifest that had not grown", got)
	}
	for num := base.FileNum(10); num < 100; num++ {
		mustApply(t, s, add(1, table(num, "a", "b")))
		mustApply(t, s, (&Edit{}).deleting(1, num))
	}
	mustApply(t, s, add(1, table(100, "a", "b")))
	want := state(s)
	if err := s.Shrink(); err != nil {
		t.Fatal(err)
	}
	names := fileNames(t, fs)
	if len(names) != 2 || names[1] == "MANIFEST-000001" {
		t.Fatalf("files %q, want CURRENT and a fresh manifest", names)
	}
	if size := len(readFile(t, fs, names[1])); size > 200 {
		t.Errorf("the fresh manifest has %d bytes", size)
	}
	if got := state(mustLoad(t, fs)); got != want {
		t.Errorf("loaded\n%swant\n%s", got, want)
	}
	mustApply(t, s, add(1, table(101, "c", "d")))
	if got, want := state(mustLoad(t, fs)), state(s); got != want {
		t.Errorf("loaded after a further edit\n%swant\n%s", got, want)
	}
}

func TestShrinkReplacesALoadedManifest(t *testing.T) {
	fs := memfs.New()
	mustApply(t, mustCreate(t, fs), add(1, table(10, "a", "b")))
	s := mustLoad(t, fs)
	for range 2 {
		if err := s.Shrink(); err != nil {
			t.Fatal(err)
		}
		if names := fileNames(t, fs); len(names) != 2 || names[1] != "MANIFEST-000011" {
			t.Errorf("files %q", names)
		}
	}
}

// TestTablesOfADoubtfulEditAreKeptUntilItIsSettled fails the sync of an edit: a crash may find
// the edit all the same, so that its table must stay until a fresh manifest is in force.
func TestTablesOfADoubtfulEditAreKeptUntilItIsSettled(t *testing.T) {
	fs := &scriptedFS{FS: memfs.New()}
	s := mustCreate(t, fs)
	obsolete := obsoleteOf(s)
	mustApply(t, s, add(1, table(10, "a", "b")))

	fs.failAt, fs.failAfter = fs.op+2, true // write, sync
	if err := s.Apply(add(1, table(11, "c", "d"))); !errors.Is(err, vfs.ErrIO) {
		t.Fatalf("got error %v", err)
	}
	if got := numbers(mustLoad(t, fs.Crash(memfs.Keep{})).Current().Levels[1]); got != "[10 11]" {
		t.Fatalf("a crash finds %s: the edit is not in doubt", got)
	}
	if got := liveOf(s); !slices.Equal(got, []base.FileNum{1, 10, 11}) || len(*obsolete) != 0 {
		t.Fatalf("live %d, obsolete %d", got, *obsolete)
	}

	fs.failAt, fs.failAfter = fs.op+1, false // the fresh manifest's creation: no doubt about this one
	if err := s.Apply(add(1, table(12, "c", "d"))); !errors.Is(err, vfs.ErrIO) {
		t.Fatalf("got error %v", err)
	}
	if !slices.Equal(*obsolete, []base.FileNum{12}) {
		t.Fatalf("obsolete %d, want 12", *obsolete)
	}

	mustApply(t, s, add(1, table(13, "c", "d")))
	if !slices.Equal(*obsolete, []base.FileNum{12, 11}) {
		t.Errorf("obsolete %d, want 12 and 11", *obsolete)
	}
	if got := numbers(mustLoad(t, fs.Crash(memfs.Keep{})).Current().Levels[1]); got != "[10 13]" {
		t.Errorf("a crash finds %s", got)
	}
}

// TestSettledEditIsNotFoundByACrash: of an edit whose sync failed, and of one for which it is in
// doubt which manifest CURRENT names.
func TestSettledEditIsNotFoundByACrash(t *testing.T) {
	for name, c := range map[string]struct {
		limit  int64
		failAt int
	}{
		"sync":   {limit: 1 << 20, failAt: 2},
		"rename": {limit: 0, failAt: 7},
	} {
		t.Run(name, func(t *testing.T) {
			fs := &scriptedFS{FS: memfs.New()}
			s := mustCreate(t, fs)
			obsolete := obsoleteOf(s)
			mustApply(t, s, add(1, table(10, "a", "b")))
			s.file.limit = c.limit
			fs.failAt, fs.failAfter = fs.op+c.failAt, true
			if err := s.Apply(add(1, table(11, "c", "d"))); !errors.Is(err, vfs.ErrIO) {
				t.Fatalf("got error %v", err)
			}
			if got := numbers(mustLoad(t, fs.Crash(memfs.Keep{})).Current().Levels[1]); got != "[10 11]" {
				t.Fatalf("a crash finds %s: the edit is not in doubt", got)
			}
			fs.failAt, fs.failAfter = fs.op+1, false
			if err := s.Settle(); !errors.Is(err, vfs.ErrIO) {
				t.Fatalf("Settle: got error %v", err)
			}
			if err := s.Settle(); err != nil {
				t.Fatal(err)
			}
			if got := numbers(mustLoad(t, fs.Crash(memfs.Keep{})).Current().Levels[1]); got != "[10]" {
				t.Errorf("a crash finds %s", got)
			}
			if !slices.Equal(*obsolete, []base.FileNum{11}) {
				t.Errorf("obsolete %d, want 11", *obsolete)
			}
		})
	}
}

func TestFailedEditCanBeAppliedAgainWhileItIsInDoubt(t *testing.T) {
	fs := &scriptedFS{FS: memfs.New()}
	s := mustCreate(t, fs)
	obsolete := obsoleteOf(s)
	e := add(1, table(11, "c", "d"))
	fs.failAt = fs.op + 2
	if err := s.Apply(e); !errors.Is(err, vfs.ErrIO) {
		t.Fatalf("got error %v", err)
	}
	mustApply(t, s, e)
	if len(*obsolete) != 0 {
		t.Errorf("obsolete %d", *obsolete)
	}
}

func TestBothManifestsAreKeptWhileCurrentIsInDoubt(t *testing.T) {
	fs := &scriptedFS{FS: memfs.New()}
	mustCreate(t, fs)
	s := mustLoad(t, fs)
	fs.failAt = fs.op + 7 // create, write, sync of the manifest and of CURRENT's successor, rename
	if err := s.Apply(add(1, table(11, "c", "d"))); err == nil || !strings.Contains(err.Error(), "rename") {
		t.Fatalf("got error %v", err)
	}
	if got := liveOf(s); !slices.Equal(got, []base.FileNum{1, 11, 12}) {
		t.Errorf("live %d", got)
	}
	mustApply(t, s, &Edit{})
	if got := liveOf(s); len(got) != 1 {
		t.Errorf("live %d, want the fresh manifest", got)
	}
	names := slices.DeleteFunc(fileNames(t, fs), func(name string) bool { return !strings.HasPrefix(name, "MANIFEST") })
	if len(names) != 1 {
		t.Errorf("manifests %q", names)
	}
}

// TestVersionsMayBeReleasedWhileEditsAreApplied is for the race detector.
func TestVersionsMayBeReleasedWhileEditsAreApplied(t *testing.T) {
	s := mustCreate(t, memfs.New())
	var mu sync.Mutex
	obsolete := make(map[base.FileNum]int)
	s.OnObsolete = func(t *Table) {
		mu.Lock()
		defer mu.Unlock()
		obsolete[t.Num]++
	}
	var wg sync.WaitGroup
	for num := base.FileNum(10); num < 200; num++ {
		e := add(1, table(num, "a", "b"))
		if num > 10 {
			e.deleting(1, num-1)
		}
		mustApply(t, s, e)
		v := s.Current()
		v.Ref()
		wg.Go(func() {
			if got := v.Levels[1][0].Num; got != num {
				t.Errorf("version has table %d, want %d", got, num)
			}
			s.AddLive(make(map[base.FileNum]struct{}))
			v.Unref()
		})
	}
	wg.Wait()
	for num := base.FileNum(10); num < 199; num++ {
		if obsolete[num] != 1 {
			t.Errorf("table %d was reported %d times", num, obsolete[num])
		}
	}
	if obsolete[199] != 0 {
		t.Error("the current table was reported")
	}
}

// TestRotationWhoseRenameFailedLosesNoLaterEdit: CURRENT may name the fresh manifest, so that
// no edit may go into the old one any more.
func TestRotationWhoseRenameFailedLosesNoLaterEdit(t *testing.T) {
	fs := &scriptedFS{FS: memfs.New()}
	s := mustCreate(t, fs)
	s.file.limit = 0
	fs.failAt, fs.failAfter = fs.op+7, true
	if err := s.Apply(&Edit{}); err == nil || !strings.Contains(err.Error(), "rename") {
		t.Fatalf("got error %v", err)
	}
	if s.file != nil {
		t.Fatal("the old manifest would be appended to")
	}
	mustApply(t, s, add(1, table(20, "a", "b")))
	if got := numbers(mustLoad(t, fs.Crash(memfs.Keep{})).Current().Levels[1]); got != "[20]" {
		t.Errorf("a crash finds %s", got)
	}
}
