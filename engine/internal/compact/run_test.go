package compact

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/merge"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
)

func TestCompactionDropsWhatNobodyCanSee(t *testing.T) {
	for _, c := range []struct {
		name         string
		upper, lower string // level 1 and level 2
		below        string // level 3
		snapshots    []base.Seq
		want         string
	}{
		{name: "distinct keys are merged", upper: "a.3 c.4", lower: "b.1 d.2", want: "a.3 b.1 c.4 d.2"},
		{name: "the newest version wins", upper: "a.9 b.8", lower: "a.3 b.2", want: "a.9 b.8"},
		{name: "versions within a table", upper: "a.9 a.8 a.7", lower: "a.1", want: "a.9"},
		{name: "a tombstone takes all and goes", upper: "a.9-", lower: "a.3 b.1", want: "b.1"},
		{name: "a tombstone stays above what it hides", upper: "a.9-", lower: "a.3 b.1", below: "a.1", want: "a.9- b.1"},
		{name: "a tombstone stays within another's bounds", upper: "b.9-", lower: "b.3", below: "a.1 c.1", want: "b.9-"},
		{name: "a put behind a tombstone", upper: "a.9 a.8-", lower: "a.3", want: "a.9"},
		{name: "a snapshot keeps its version", upper: "a.9", lower: "a.3", snapshots: []base.Seq{5}, want: "a.9 a.3"},
		{name: "a snapshot at the very version", upper: "a.9", lower: "a.3", snapshots: []base.Seq{3}, want: "a.9 a.3"},
		{name: "a snapshot before everything", upper: "a.9", lower: "a.3", snapshots: []base.Seq{2}, want: "a.9"},
		{name: "a snapshot behind everything", upper: "a.9", lower: "a.3", snapshots: []base.Seq{9}, want: "a.9"},
		{name: "one version a stripe", upper: "a.9 a.8 a.7", lower: "a.6 a.5 a.2 a.1", snapshots: []base.Seq{5, 7}, want: "a.9 a.7 a.5"},
		{name: "two snapshots in one gap", upper: "a.9", lower: "a.3", snapshots: []base.Seq{5, 6}, want: "a.9 a.3"},
		{name: "a tombstone that a snapshot precedes", upper: "a.9-", lower: "a.3", snapshots: []base.Seq{5}, want: "a.9- a.3"},
		{name: "a tombstone that a snapshot sees", upper: "a.9-", lower: "a.3", snapshots: []base.Seq{9}, want: ""},
	} {
		s := newStore(t)
		s.add(1, c.upper)
		s.add(2, c.lower)
		if c.below != "" {
			s.add(3, c.below)
		}
		if got := s.compact(1, bigLimits, c.snapshots...); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Tables of other programs may divide the versions of a key in the output level.
func TestTombstoneDoesNotGoWithoutWhatItHidesInTheNextTable(t *testing.T) {
	for name, merge := range map[string]func(v *manifest.Version) *Compaction{
		"into the level":   func(v *manifest.Version) *Compaction { return PickRange(v, 1, nil, nil, bigLimits) },
		"within the level": func(v *manifest.Version) *Compaction { return Rewrite(v, 2, v.Levels[2][:1], bigLimits) },
	} {
		s := newStore(t)
		s.add(1, "a.9")
		s.add(2, "a.1 k.5-")
		s.add(2, "k.3 z.1")
		c := merge(s.version)
		result, err := c.Run(s.env)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.read(result.Tables); strings.Contains(got, "k") || !strings.HasSuffix(got, " z.1") {
			t.Errorf("%s: %s gives %q", name, describe(c), got)
		}
	}
}

func TestRewriteDropsOnlyWhatHidesNothingBelow(t *testing.T) {
	for below, want := range map[string]string{"a.1": "a.9- c.8", "b.1": "c.8"} {
		s := newStore(t)
		s.add(1, "a.9-")
		s.add(1, "c.8")
		s.add(2, below)
		result, err := Rewrite(s.version, 1, s.version.Levels[1], bigLimits).Run(s.env)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.read(result.Tables); got != want {
			t.Errorf("above %s: %q, want %q", below, got, want)
		}
	}
}

// How large a table will be is known only when it is compressed.
func TestTablesThatAreSmallAsStoredBecomeOne(t *testing.T) {
	s := newStore(t)
	s.env.Writer.NoCompression = false
	for i := range 10 {
		s.add(1, fmt.Sprintf("%04096d.%d", i, i+1))
	}
	c := Rewrite(s.version, 1, s.version.Levels[1], Limits{TableSize: 16 << 10})
	if c.InputBytes() > c.limits.fill() {
		t.Fatalf("%d bytes are more than a table", c.InputBytes())
	}
	result, err := c.Run(s.env)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(result.Tables); n != 1 {
		t.Errorf("%d tables, want one", n)
	}
}

func TestLevelZeroIsMergedByAge(t *testing.T) {
	s := newStore(t)
	s.add(1, "a.1 b.1 c.1")
	s.add(0, "a.2 c.3-")
	s.add(0, "a.5 b.4")
	s.add(0, "b.7- d.6")
	if got, want := s.compact(0, bigLimits), "a.5 d.6"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestOutputIsCutAtItsSizeButNotWithinAKey(t *testing.T) {
	s := newStore(t)
	var keys []string
	for i := range 40 {
		for seq := 9; seq > 5; seq-- {
			keys = append(keys, fmt.Sprintf("k%02d.%d", i, seq))
		}
	}
	s.add(1, strings.Join(keys, " "))
	s.add(2, "k00.1")
	l := bigLimits
	l.TableSize = 300
	got := s.compact(1, l, 6, 7, 8)
	if strings.ReplaceAll(got, " |", "") != strings.Join(keys, " ") {
		t.Errorf("%q", got)
	}
	parts := strings.Split(got, " | ")
	if len(parts) < 5 {
		t.Errorf("%d tables", len(parts))
	}
	for i, part := range parts {
		if !strings.HasSuffix(part, ".6") || !strings.Contains(strings.Fields(part)[0], ".9") {
			t.Errorf("table %d: %q", i, part)
		}
	}
}

func TestOutputIsCutWhereItOverlapsTooMuchBelow(t *testing.T) {
	// Ten thousand bytes below may be overlapped: that is two of these tables, or less than one.
	const small, large = 5000, 10001
	for _, c := range []struct {
		name      string
		inputs    string
		below     []string
		size      int64 // of each of those below
		snapshots []base.Seq
		want      string
	}{
		{"behind the third", "a.9 c.9 e.9 g.9 i.9", []string{"b.1 b1.1", "d.1", "f.1", "h.1"}, small, nil, "a.9 c.9 e.9 | g.9 i.9"},
		{"behind each", "a.9 c.9 e.9", []string{"b.1", "d.1"}, large, nil, "a.9 | c.9 | e.9"},
		{"not for what lies before its first key", "a.9- e.9 g.9", []string{"b.1", "c.1", "f.1"}, small, nil, "e.9 g.9"},
		{"not within a table", "a.9 c.9 d.9 f.9", []string{"b.1 e.1"}, large, nil, "a.9 c.9 d.9 | f.9"},
		{"behind many at once", "a.9 e.9 f.9", []string{"b.1", "c.1", "d.1"}, small, nil, "a.9 | e.9 f.9"},
		{"before all versions of a key", "a.9 c.9 c.8 d.9", []string{"b.1"}, large, []base.Seq{8}, "a.9 | c.9 c.8 d.9"},
		{"not between versions of a key", "a.9 c.9 c.7 d.9", []string{"b.1 c.8"}, large, []base.Seq{7}, "a.9 c.9 c.7 d.9"},
	} {
		s := newStore(t)
		s.add(1, c.inputs)
		for _, keys := range c.below {
			s.add(3, keys).Size = c.size // nobody opens it
		}
		l := bigLimits
		l.TableSize = 1000
		if got := s.compact(1, l, c.snapshots...); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFlushWritesOneDurableTable(t *testing.T) {
	s := newStore(t)
	source := s.add(0, "a.3 a.2 b.5- c.4")
	result, err := Flush(s.env, s.tables.NewTableIterator(source, false))
	if err != nil {
		t.Fatal(err)
	}
	// What a tombstone hides is in lower levels: it stays.
	if got, want := s.read(result.Tables), "a.3 b.5- c.4"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	table := result.Tables[0]
	if table.Entries != 3 || table.Tombstones != 1 || table.Shadowed != 0 || result.BytesWritten != table.Size {
		t.Errorf("%+v, %+v", result, table)
	}
	synced := false
	for _, op := range s.fs.Ops() {
		synced = synced || isSync(op) && op.Name == base.FileName(base.FileTable, table.Num)
	}
	if !synced {
		t.Error("the table was not synced")
	}
}

func TestFlushOfNothingWritesNothing(t *testing.T) {
	s := newStore(t)
	result, err := Flush(s.env, merge.New())
	if err != nil || len(result.Tables) != 0 || s.files() != 0 {
		t.Errorf("%+v, %v, %d files", result, err, s.files())
	}
}

func TestTablesCountWhatTheyShadow(t *testing.T) {
	s := newStore(t)
	s.env.Snapshots = []base.Seq{3}
	result, err := Flush(s.env, s.tables.NewTableIterator(s.add(0, "a.5 a.2 b.4"), false))
	if err != nil {
		t.Fatal(err)
	}
	if n := result.Tables[0].Shadowed; n != 1 {
		t.Errorf("%d entries are shadowed, want a.2 alone", n)
	}
}

func TestTrimTakesARangeOutOfATable(t *testing.T) {
	for _, c := range []struct{ lower, upper, want string }{
		{"b", "d", "a.1 d.4"},
		{"a", "b", "b.2 c.3 d.4"},
		{"c", "", "a.1 b.2"},
		{"", "", ""},
		{"bb", "bc", "a.1 b.2 c.3 d.4"},
	} {
		s := newStore(t)
		var upper []byte
		if c.upper != "" {
			upper = []byte(c.upper)
		}
		result, err := Trim(s.env, s.add(1, "a.1 b.2 c.3 d.4"), []byte(c.lower), upper)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.read(result.Tables); got != c.want {
			t.Errorf("[%s, %s): %q, want %q", c.lower, c.upper, got, c.want)
		}
	}
}

func TestFailureLeavesNoTableBehind(t *testing.T) {
	failures := 0
	for n := range 200 {
		s := newStore(t)
		s.add(1, "a.9 b.9 c.9 d.9 e.9 f.9")
		s.add(2, "a.1 c.1 e.1")
		before := s.files()
		failing := faultfs.Kinds(faultfs.Create, faultfs.Write, faultfs.Sync, faultfs.CloseWriter, faultfs.Open, faultfs.ReadAt)
		s.fs.SetRule(faultfs.On(failing, faultfs.Nth(n, faultfs.Fault{Err: vfs.ErrNoSpace})))
		l := bigLimits
		l.TableSize = 100
		result, err := PickRange(s.version, 1, nil, nil, l).Run(s.env)
		if err == nil {
			if failures == 0 || len(result.Tables) < 2 {
				t.Errorf("%d failures, %d tables", failures, len(result.Tables))
			}
			return
		}
		failures++
		if !errors.Is(err, vfs.ErrNoSpace) || len(result.Tables) != 0 || s.files() != before {
			t.Errorf("failure %d: %v, result %+v, %d files, before %d", n, err, result, s.files(), before)
		}
	}
}

func TestCanceledCompactionLeavesNothing(t *testing.T) {
	s := newStore(t)
	var keys []string
	for i := range 1000 {
		keys = append(keys, fmt.Sprintf("k%04d.1", i))
	}
	s.add(1, strings.Join(keys, " "))
	before := s.files()
	asked := 0
	s.env.Canceled = func() bool { asked++; return asked > 2 }
	_, err := PickRange(s.version, 1, nil, nil, bigLimits).Run(s.env)
	if !errors.Is(err, ErrCanceled) || s.files() != before {
		t.Errorf("%v, %d files, before %d", err, s.files(), before)
	}
}

func TestMergeOfLongValuesAsksWhetherToGoOn(t *testing.T) {
	s := newStore(t)
	asked := 0
	s.env.Canceled = func() bool { asked++; return false }
	const entries = 10
	_, err := Build(s.env, Limits{}, func(write func(key, value []byte) error) error {
		for i := range entries {
			if err := write(parseKey(fmt.Sprintf("k%d.1", i)), make([]byte, askEvery)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || asked != entries {
		t.Errorf("asked %d times for %d values, %v", asked, entries, err)
	}
}

func TestBuildCutsAtTheTableSize(t *testing.T) {
	s := newStore(t)
	result, err := Build(s.env, Limits{TableSize: 500}, func(write func(key, value []byte) error) error {
		for i := range 100 {
			if err := write(parseKey(fmt.Sprintf("k%02d.7", i)), fmt.Appendf(nil, "%sk%02d.7", valueOf, i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(strings.ReplaceAll(s.read(result.Tables), "|", ""))); n != 100 || len(result.Tables) < 4 {
		t.Errorf("%d keys in %d tables", n, len(result.Tables))
	}
}
