package manifest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

func TestNewStoreHoldsAManifestAndCurrent(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	if got := fileNames(t, fs); !slices.Equal(got, []string{"CURRENT", "MANIFEST-000001"}) {
		t.Errorf("files %q", got)
	}
	if got := readFile(t, fs, "CURRENT"); string(got) != "MANIFEST-000001\n" {
		t.Errorf("CURRENT holds %q", got)
	}
	if next := s.NextFileNum(); next != 2 {
		t.Errorf("next file number %d", next)
	}
}

func TestExists(t *testing.T) {
	for _, c := range []struct {
		files   string
		exists  bool
		corrupt bool
	}{
		{"", false, false},
		{"LOCK LOG notes.txt", false, false},
		{"MANIFEST-000001 000001.dbtmp", false, false},
		{"CURRENT", true, false},
		{"CURRENT 000005.ldb", true, false},
		{"000005.ldb", false, true},
		{"000005.sst MANIFEST-000001", false, true},
		{"000005.log", false, true},
	} {
		fs := memfs.New()
		for _, name := range strings.Fields(c.files) {
			writeFile(t, fs, name, nil)
		}
		exists, err := Exists(fs)
		if exists != c.exists || (err != nil) != c.corrupt {
			t.Errorf("%q: got %v, %v", c.files, exists, err)
		}
		if c.corrupt {
			wantCorruption(t, err, base.CurrentName)
		}
	}
}

func TestLoadFindsWhatWasApplied(t *testing.T) {
	fs := memfs.New()
	s := mustCreate(t, fs)
	mustApply(t, s, add(0, table(5, "a", "c"), table(6, "b", "d")))
	e := add(1, table(7, "a", "d")).deleting(0, 5)
	e.LogNum, e.PrevLogNum, e.LastSeq = new(base.FileNum(12)), new(base.FileNum(11)), new(base.Seq(99))
	e.CompactPointers = []CompactPointer{{Level: 0, Key: key("q", 4)}}
	mustApply(t, s, e)
	want := "log 12 prev 11 seq 99\n" +
		"compact pointer level 0 \"q\"@4,put\n" +
		"level 0 000006 600 bytes \"b\"@9,put .. \"d\"@1,put\n" +
		"level 1 000007 700 bytes \"a\"@9,put .. \"d\"@1,put\n"
	if got := state(s); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	loaded := mustLoad(t, fs)
	if got := state(loaded); got != want {
		t.Errorf("loaded\n%swant\n%s", got, want)
	}
	if next := loaded.NextFileNum(); next != 13 {
		t.Errorf("next file number %d, want 13, behind the log", next)
	}
}

func TestLoadTrimsATornTail(t *testing.T) {
	whole := complete()
	whole.Added = add(1, table(5, "a", "b")).Added
	fs := storeOf(t, whole, add(1, table(6, "c", "d")))
	content := readFile(t, fs, "MANIFEST-000007")
	for cut := 1; cut < 20; cut++ {
		writeFile(t, fs, "MANIFEST-000007", content[:len(content)-cut])
		s := mustLoad(t, fs)
		if got := numbers(s.Current().Levels[1]); got != "[5]" {
			t.Fatalf("cut by %d: level 1 has %s", cut, got)
		}
	}
}

func TestLoadTrimsATailOfZeros(t *testing.T) {
	whole := complete()
	whole.Added = add(1, table(5, "a", "b")).Added
	long := strings.Repeat("c", 3000)
	fs := storeOf(t, whole, add(1, table(6, long, long+"d")))
	content := readFile(t, fs, "MANIFEST-000007")
	for zeros := 512; zeros < len(content); zeros += 512 {
		found := make([]byte, len(content)+1000)
		copy(found, content[:zeros])
		writeFile(t, fs, "MANIFEST-000007", found)
		s := mustLoad(t, fs)
		if got := numbers(s.Current().Levels[1]); got != "[5]" {
			t.Fatalf("zeros from %d on: level 1 has %s", zeros, got)
		}
	}
}

func TestNothingIsAppendedBehindATornTail(t *testing.T) {
	fs := storeOf(t, complete(), add(1, table(6, "c", "d")))
	content := readFile(t, fs, "MANIFEST-000007")
	writeFile(t, fs, "MANIFEST-000007", content[:len(content)-1])
	mustApply(t, mustLoad(t, fs), add(1, table(8, "x", "y")))
	if got := fileNames(t, fs); slices.Contains(got, "MANIFEST-000007") {
		t.Errorf("the torn manifest is still there: %q", got)
	}
	if got := numbers(mustLoad(t, fs).Current().Levels[1]); got != "[8]" {
		t.Errorf("level 1 has %s", got)
	}
}

func TestLoadReportsADamagedCurrent(t *testing.T) {
	for _, content := range []string{
		"", "\n", "MANIFEST-000007", "MANIFEST-0000070", "MANIFEST-000007\r\n", "MANIFEST-000007\n\n", "MANIFEST-\n", "MANIFEST-7x\n",
		"000007.ldb\n", "CURRENT\n", "../MANIFEST-000007\n", "MANIFEST-000008\n", "MANIFEST-99999999999999999999\n",
		strings.Repeat("0", 100) + "\n",
	} {
		fs := storeOf(t, complete())
		writeFile(t, fs, base.CurrentName, []byte(content))
		_, err := Load(fs)
		if err == nil {
			t.Fatalf("CURRENT of %q was accepted", content)
		}
		wantCorruption(t, err, base.CurrentName)
	}
	_, err := Load(memfs.New())
	wantCorruption(t, err, base.CurrentName)
}

func TestLoadReportsAnUnfitManifest(t *testing.T) {
	without := func(change func(*Edit)) *Edit {
		e := complete()
		change(e)
		return e
	}
	for reason, records := range map[string][]*Edit{
		"no record has a comparator":           {without(func(e *Edit) { e.Comparer = "" })},
		"no record has a log number":           {without(func(e *Edit) { e.LogNum = nil })},
		"no record has a next file number":     {without(func(e *Edit) { e.NextFileNum = nil })},
		"no record has a last sequence number": {without(func(e *Edit) { e.LastSeq = nil })},
		"delete table 000006":                  {complete(), (&Edit{}).deleting(1, 6)},
		"add table 000006":                     {complete(), add(1, table(6, "a", "b")), add(2, table(6, "a", "b"))},
		"overlap":                              {complete(), add(1, table(6, "a", "b"), table(7, "b", "c"))},
	} {
		_, err := Load(storeOf(t, records...))
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Fatalf("got error %v, want %q in it", err, reason)
		}
		wantCorruption(t, err, "MANIFEST-000007")
	}
}

func TestLoadReportsWhereAnEditIsMalformed(t *testing.T) {
	fs := storeOf(t, complete())
	good := readFile(t, fs, "MANIFEST-000007")
	f := &file{writer: discard{}}
	if err := f.append(complete()); err != nil {
		t.Fatal(err)
	}
	unknownTag := f.encoder.Append(nil, []byte{8, 0})
	writeFile(t, fs, "MANIFEST-000007", append(slices.Clone(good), unknownTag...))
	_, err := Load(fs)
	wantCorruption(t, err, "MANIFEST-000007")
	var corruption *base.CorruptionError
	if errors.As(err, &corruption); corruption.Offset != int64(len(good)) {
		t.Errorf("offset %d, want %d", corruption.Offset, len(good))
	}
}

// discard is a vfs.Writer that keeps nothing.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Sync(vfs.Durability) error   { return nil }
func (discard) Close() error                { return nil }

func TestLoadNamesAnUnknownComparer(t *testing.T) {
	e := complete()
	e.Comparer = "reverse"
	_, err := Load(storeOf(t, e))
	if !errors.Is(err, ErrComparer) || !strings.Contains(err.Error(), `"reverse"`) {
		t.Errorf("got error %v", err)
	}
}

func TestLoadReportsEveryFlippedBit(t *testing.T) {
	fs := storeOf(t, complete(), add(1, table(6, "a", "b")))
	content := readFile(t, fs, "MANIFEST-000007")
	for bit := range 8 * len(content) {
		damaged := bytes.Clone(content)
		damaged[bit/8] ^= 1 << (bit % 8)
		writeFile(t, fs, "MANIFEST-000007", damaged)
		s, err := Load(fs)
		if err == nil {
			t.Fatalf("bit %d: loaded\n%s", bit, state(s))
		}
		wantCorruption(t, err, "MANIFEST-000007")
	}
}

func TestNumberOfTheLoadedManifestIsNotGivenOut(t *testing.T) {
	e := complete()
	e.NextFileNum = new(base.FileNum(2))
	if next := mustLoad(t, storeOf(t, e)).NextFileNum(); next != 8 {
		t.Errorf("next file number %d, want 8, behind MANIFEST-000007", next)
	}
}
