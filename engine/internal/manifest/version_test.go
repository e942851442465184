package manifest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func build(t *testing.T, edits ...*Edit) *Version {
	t.Helper()
	b := newBuilder(nil)
	for _, e := range edits {
		if err := b.apply(e); err != nil {
			t.Fatal(err)
		}
	}
	v, err := b.version()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func numbers(tables []*Table) string {
	var nums []base.FileNum
	for _, t := range tables {
		nums = append(nums, t.Num)
	}
	return fmt.Sprint(nums)
}

func bound(s string) []byte {
	if s == "-" {
		return nil
	}
	return []byte(s)
}

func TestTableOverlapsRangesThatTouchItsBounds(t *testing.T) {
	table := table(1, "d", "f")
	for _, c := range []struct {
		lower, upper string
		want         bool
	}{
		{"-", "-", true}, {"-", "c", false}, {"-", "d", true}, {"f", "-", true}, {"g", "-", false},
		{"e", "e", true}, {"a", "z", true}, {"a", "c", false}, {"fa", "z", false}, {"-", "", false}, {"", "-", true},
	} {
		if got := table.Overlaps(bound(c.lower), bound(c.upper)); got != c.want {
			t.Errorf("Overlaps(%q, %q) = %v", c.lower, c.upper, got)
		}
	}
}

func TestFindReturnsTheFirstTableThatEndsAtOrBehindTheKey(t *testing.T) {
	v := build(t, add(1, table(3, "g", "i"), table(1, "a", "c"), table(2, "d", "f")))
	for key, want := range map[string]int{"": 0, "a": 0, "c": 0, "ca": 1, "f": 1, "i": 2, "j": 3} {
		if got := v.Find(1, []byte(key)); got != want {
			t.Errorf("Find(%q) = %d, want %d", key, got, want)
		}
	}
	if got := v.Find(2, []byte("a")); got != 0 {
		t.Errorf("Find in an empty level = %d", got)
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	v := build(t, add(1, table(3, "g", "i"), table(1, "a", "c"), table(2, "d", "f")))
	key := []byte("e")
	if n := testing.AllocsPerRun(100, func() { v.Find(1, key) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOverlappingBelowLevel0(t *testing.T) {
	v := build(t, add(1, table(1, "b", "d"), table(2, "f", "h"), table(3, "k", "m")))
	for _, c := range []struct{ lower, upper, want string }{
		{"-", "-", "[1 2 3]"}, {"-", "a", "[]"}, {"-", "b", "[1]"}, {"d", "f", "[1 2]"}, {"e", "e", "[]"},
		{"h", "-", "[2 3]"}, {"n", "-", "[]"}, {"i", "j", "[]"}, {"m", "d", "[]"},
	} {
		if got := numbers(v.Overlapping(1, bound(c.lower), bound(c.upper))); got != c.want {
			t.Errorf("Overlapping(%q, %q) = %s, want %s", c.lower, c.upper, got, c.want)
		}
	}
}

func TestOverlappingFindsBothNeighboursThatShareAUserKey(t *testing.T) {
	newer := &Table{Num: 5, Smallest: key("a", 9), Largest: key("k", 8)}
	older := &Table{Num: 6, Smallest: key("k", 7), Largest: key("z", 1)}
	v := build(t, add(1, older, newer))
	if got := numbers(v.Overlapping(1, []byte("k"), []byte("k"))); got != "[5 6]" {
		t.Errorf("got %s", got)
	}
	if got := v.Find(1, []byte("k")); got != 0 {
		t.Errorf("Find = %d, want the newer, 0", got)
	}
}

func TestRunsAreSortedAndDisjointAndAsFewAsCanBe(t *testing.T) {
	for _, c := range []struct {
		tables []*Table
		want   string
	}{
		{nil, ""},
		{[]*Table{table(1, "a", "c"), table(2, "d", "f"), table(3, "g", "i")}, "[1 2 3]"},
		{[]*Table{table(3, "a", "c"), table(2, "d", "f"), table(1, "g", "i")}, "[3 2 1]"},
		{[]*Table{table(1, "a", "z"), table(2, "b", "c"), table(3, "d", "e")}, "[1][2 3]"},
		{[]*Table{table(1, "a", "d"), table(2, "c", "f"), table(3, "e", "h"), table(4, "g", "k")}, "[1 3][2 4]"},
		{[]*Table{table(1, "a", "c"), table(2, "c", "e")}, "[1][2]"},
	} {
		v := build(t, add(0, c.tables...), add(2, table(7, "a", "b"), table(8, "y", "z")))
		c.want += "[7 8]"
		got := ""
		for _, run := range v.Runs() {
			got += numbers(run)
		}
		if got != c.want {
			t.Errorf("of %s: %s, want %s", numbers(c.tables), got, c.want)
		}
	}
}

func TestOverlappingInLevel0GrowsWithWhatItFinds(t *testing.T) {
	v := build(t, add(0, table(1, "a", "c"), table(2, "c", "e"), table(3, "e", "g"), table(4, "x", "z")))
	for _, c := range []struct{ lower, upper, want string }{
		{"a", "b", "[3 2 1]"}, {"g", "g", "[3 2 1]"}, {"x", "x", "[4]"}, {"h", "i", "[]"}, {"-", "-", "[4 3 2 1]"},
		{"-", "a", "[3 2 1]"}, {"f", "-", "[4 3 2 1]"},
	} {
		if got := numbers(v.Overlapping(0, bound(c.lower), bound(c.upper))); got != c.want {
			t.Errorf("Overlapping(%q, %q) = %s, want %s", c.lower, c.upper, got, c.want)
		}
	}
}

func TestAppendingToOverlappingLeavesTheVersionAlone(t *testing.T) {
	v := build(t, add(1, table(1, "b", "d"), table(2, "f", "h")))
	_ = append(v.Overlapping(1, nil, []byte("d")), table(9, "x", "x"))
	if got := numbers(v.Levels[1]); got != "[1 2]" {
		t.Errorf("level 1 became %s", got)
	}
}

func TestLevelsAreCountedAndSummed(t *testing.T) {
	v := build(t, add(0, table(1, "a", "b")), add(3, table(2, "a", "b"), table(3, "c", "d")))
	if v.NumTables() != 3 || v.LevelSize(0) != 100 || v.LevelSize(3) != 500 || v.LevelSize(1) != 0 {
		t.Errorf("%d tables, %d, %d, %d bytes", v.NumTables(), v.LevelSize(0), v.LevelSize(3), v.LevelSize(1))
	}
}

func TestCheckFindsWhatIsOutOfOrder(t *testing.T) {
	crossed := table(1, "a", "c")
	crossed.Smallest, crossed.Largest = crossed.Largest, crossed.Smallest
	meeting := table(2, "c", "e")
	meeting.Smallest = table(1, "a", "c").Largest
	for reason, levels := range map[string][base.NumLevels][]*Table{
		"before the newer":       {0: {table(1, "a", "b"), table(2, "a", "b")}},
		"is in level 0 and":      {0: {table(1, "a", "b")}, 4: {table(1, "a", "b")}},
		"is in level 2 and":      {2: {table(1, "a", "b"), table(1, "a", "b")}},
		"000001 100 bytes \"b\"": {1: {table(1, "b", "d"), table(2, "d", "f")}},
		"overlap":                {6: {table(1, "d", "e"), table(2, "a", "b")}},
		"level 2: tables":        {2: {table(1, "a", "c"), meeting}},
		"are crossed":            {0: {crossed}},
	} {
		v := &Version{Levels: levels}
		if err := v.Check(); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("got error %v, want %q in it", err, reason)
		}
	}
}

func TestEditThatDoesNotFitIsRefused(t *testing.T) {
	resized := table(2, "a", "c")
	resized.Size++
	for reason, e := range map[string]*Edit{
		"delete table 000009: it is not in level 1":     (&Edit{}).deleting(1, 9),
		"delete table 000002: it is not in level 2":     (&Edit{}).deleting(2, 2),
		"delete table 000001: it is not in level 0":     (&Edit{}).deleting(0, 1, 1),
		"add table 000002 to level 3: it is in level 1": add(3, table(2, "a", "c")),
		"add table 000002 to level 1: it is in level 1": add(1, table(2, "a", "c")),
		"move table 000002":                             add(2, resized).deleting(1, 2),
		"add table 000005 to level 0: it is in level 0": add(0, table(5, "a", "b"), table(5, "a", "c")),
	} {
		b := newBuilder(build(t, add(0, table(1, "a", "b")), add(1, table(2, "a", "c"))))
		if err := b.apply(e); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("got error %v, want %q in it", err, reason)
		}
	}
}

func TestTableNamedTwiceInOneEditIsAddedOnce(t *testing.T) {
	v := build(t, add(0, table(5, "a", "b"), table(5, "a", "b")))
	if got := numbers(v.Levels[0]); got != "[5]" {
		t.Errorf("got %s", got)
	}
}

func TestMovedTableStaysTheSameTable(t *testing.T) {
	original := table(2, "a", "c")
	v := build(t, add(1, original), add(2, table(2, "a", "c")).deleting(1, 2))
	if len(v.Levels[1]) != 0 || len(v.Levels[2]) != 1 || v.Levels[2][0] != original {
		t.Errorf("got\n%v", v)
	}
}

// TestBuilderAgreesWithAModel applies random edits to versions and to a list of tables.
func TestBuilderAgreesWithAModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v, err := newBuilder(nil).version()
	if err != nil {
		t.Fatal(err)
	}
	var model []AddedTable
	for num := base.FileNum(1); num <= 400; num++ {
		e := randomEdit(rng, num, model)
		b := newBuilder(v)
		if err := b.apply(e); err != nil {
			t.Fatalf("%v\n%v", err, e)
		}
		if v, err = b.version(); err != nil {
			t.Fatalf("%v\n%v", err, e)
		}
		model = applyToModel(model, e)
		compareWithModel(t, rng, v, model)
	}
}

// randomEdit adds table num, moves or deletes some other, or both. Tables of a level have
// their number in their keys, so that they never overlap.
func randomEdit(rng *rand.Rand, num base.FileNum, model []AddedTable) *Edit {
	e := &Edit{}
	if rng.IntN(3) > 0 {
		name := fmt.Sprintf("%04d", rng.IntN(1000)*1000+int(num))
		e = add(rng.IntN(base.NumLevels), table(num, name, name+"z"))
	}
	if len(model) > 0 && rng.IntN(2) == 0 {
		victim := model[rng.IntN(len(model))]
		e.deleting(victim.Level, victim.Num)
		if rng.IntN(2) == 0 {
			e.Added = append(e.Added, AddedTable{Level: (victim.Level + 1) % base.NumLevels, Table: victim.Table})
		}
	}
	return e
}

func applyToModel(model []AddedTable, e *Edit) []AddedTable {
	model = slices.DeleteFunc(slices.Clone(model), func(a AddedTable) bool {
		return slices.Contains(e.Deleted, DeletedTable{Level: a.Level, Num: a.Num})
	})
	return append(model, e.Added...)
}

func compareWithModel(t *testing.T, rng *rand.Rand, v *Version, model []AddedTable) {
	t.Helper()
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	if v.NumTables() != len(model) {
		t.Fatalf("%d tables, want %d", v.NumTables(), len(model))
	}
	lower := []byte(fmt.Sprintf("%04d", rng.IntN(1000000)))
	upper := []byte(string(lower) + "9")
	for level := 1; level < base.NumLevels; level++ {
		want := 0
		for _, a := range model {
			if a.Level != level {
				continue
			}
			if !slices.Contains(v.Levels[level], a.Table) {
				t.Fatalf("table %v is not in level %d", a.Table, level)
			}
			if a.Overlaps(lower, upper) {
				want++
			}
		}
		if got := v.Overlapping(level, lower, upper); len(got) != want {
			t.Fatalf("level %d: %d tables overlap [%s, %s], want %d", level, len(got), lower, upper, want)
		}
	}
}
