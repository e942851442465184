package compact

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
)

// parseVersion reads one line a table: level, number, size, smallest and largest user key, and
// perhaps the number of entries and of tombstones.
func parseVersion(t *testing.T, text string) *manifest.Version {
	t.Helper()
	v := &manifest.Version{}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var level int
		var smallest, largest string
		table := &manifest.Table{}
		n, err := fmt.Sscan(line, &level, &table.Num, &table.Size, &smallest, &largest, &table.Entries, &table.Tombstones)
		if n < 5 {
			t.Fatalf("%s: %v", line, err)
		}
		table.Smallest = base.AppendInternalKey(nil, []byte(smallest), 9, base.KindPut)
		table.Largest = base.AppendInternalKey(nil, []byte(largest), 1, base.KindPut)
		v.Levels[level] = append(v.Levels[level], table)
	}
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	return v
}

// describe names a compaction's tables: "level 1: 4 5 + 7".
func describe(c *Compaction) string {
	if c == nil {
		return "none"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "level %d:", c.Level)
	for _, t := range c.Inputs[0] {
		fmt.Fprintf(&b, " %d", t.Num)
	}
	if len(c.Inputs[1]) > 0 {
		b.WriteString(" +")
	}
	for _, t := range c.Inputs[1] {
		fmt.Fprintf(&b, " %d", t.Num)
	}
	if c.IsMove() {
		b.WriteString(" moved")
	}
	if c.Output == c.Level {
		b.WriteString(" within it")
	}
	return b.String()
}

// row makes lines for parseVersion: n tables of a level from that number on, of one size each and
// with the keys ka, kb and so on.
func row(level, num, n, size int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("%d %d %d k%c k%[4]c", level, num+i, size, 'a'+i))
	}
	return strings.Join(lines, "\n")
}

func TestPick(t *testing.T) {
	limits := Limits{TableSize: 100, BaseLevelSize: 300, L0Files: 2}
	for _, c := range []struct {
		name, version string
		pointer       string // user key behind which level 1 goes on
		busy          string // numbers
		want          string
	}{
		{name: "nothing to do", version: "0 5 100 a c\n1 3 100 a z", want: "none"},
		{name: "level 0 with all that overlaps it",
			version: "0 9 100 e f\n0 8 100 b d\n0 7 100 a c\n1 3 100 a b\n1 4 100 c d\n1 5 100 x z",
			want:    "level 0: 8 7 + 3 4"},
		{name: "a table of level 0 that overlaps nothing is moved",
			version: "0 9 100 e f\n0 7 100 a c\n1 3 100 x z", want: "level 0: 7 moved"},
		{name: "the fuller level first",
			version: "0 9 100 a b\n0 8 100 a b\n1 3 900 a b\n2 4 100 a b", want: "level 1: 3 + 4"},
		{name: "level 1 from its start", version: "1 3 200 a b\n1 4 200 c d\n1 5 200 e f\n2 6 100 a b", want: "level 1: 3 + 6"},
		{name: "level 1 behind its pointer", pointer: "b",
			version: "1 3 200 a b\n1 4 200 c d\n1 5 200 e f\n2 6 100 c d", want: "level 1: 4 + 6"},
		{name: "level 1 round its end", pointer: "f",
			version: "1 3 200 a b\n1 4 200 c d\n1 5 200 e f\n2 6 100 a b", want: "level 1: 3 + 6"},
		{name: "beside what is busy", busy: "3",
			version: "1 3 200 a b\n1 4 200 c d\n1 5 200 e f\n2 6 100 c d", want: "level 1: 4 + 6"},
		{name: "beside what is busy below", busy: "6",
			version: "1 3 200 a b\n1 4 200 c d\n2 6 100 a b\n2 7 100 c d", want: "level 1: 4 + 7"},
		{name: "another level if the first is busy", busy: "9",
			version: "0 9 100 a b\n0 8 100 a b\n1 3 400 c d\n2 4 100 c d", want: "level 1: 3 + 4"},
		{name: "all busy", busy: "3 4", version: "1 3 200 a b\n1 4 200 c d", want: "none"},
		{name: "the upper level grows where that adds nothing below",
			version: "1 3 200 a b\n1 4 200 c d\n2 6 100 a d", want: "level 1: 3 4 + 6"},
		{name: "no move onto too much of the level after the next",
			version: "1 3 400 a z\n3 6 600 b c\n3 7 600 d e", want: "level 1: 3"},
		{name: "a table of tombstones", version: "1 3 100 a b 10 6\n2 4 100 a b 10 0", want: "level 1: 3 + 4"},
		{name: "a table with some tombstones", version: "1 3 100 a b 10 5\n2 4 100 a b 10 0", want: "none"},
		{name: "the bottom level has nowhere to go", version: "6 3 1000000000 a b 10 10", want: "none"},
		{name: "small neighbours", version: row(1, 3, 8, 10), want: "level 1: 3 4 5 6 7 8 9 10 within it"},
		{name: "small neighbours in the bottom level", version: row(6, 3, 8, 10), want: "level 6: 3 4 5 6 7 8 9 10 within it"},
		{name: "few small neighbours", version: row(1, 3, 7, 10), want: "none"},
		{name: "as many small neighbours as fit into a table", version: row(1, 3, 20, 8), want: "level 1: 3 4 5 6 7 8 9 10 11 12 13 within it"},
		{name: "neighbours that don't fit into a table", version: row(1, 3, 20, 14), want: "none"},
		{name: "small neighbours behind a large one", version: "1 2 40 a b\n" + row(1, 3, 8, 2), want: "level 1: 3 4 5 6 7 8 9 10 within it"},
		{name: "small neighbours before a large one", version: row(1, 3, 8, 2) + "\n1 2 40 y z", want: "level 1: 3 4 5 6 7 8 9 10 within it"},
		{name: "too little beside a large one", version: "1 2 40 a b\n" + row(1, 3, 7, 5), want: "none"},
		{name: "enough beside a large one", version: "1 2 40 a b\n" + row(1, 3, 7, 6), want: "level 1: 2 3 4 5 6 7 8 9 within it"},
		{name: "small neighbours beside what is busy", busy: "5", version: row(1, 3, 11, 5), want: "level 1: 6 7 8 9 10 11 12 13 within it"},
		{name: "small neighbours above too much", version: row(1, 3, 8, 10) + "\n2 20 600 kb kb\n2 21 600 kg kg", want: "none"},
		{name: "another level before small neighbours", version: row(1, 3, 8, 10) + "\n0 31 10 a z\n0 30 10 a z", want: "level 0: 31 30 + 3 4 5 6 7 8 9 10"},
	} {
		v := parseVersion(t, c.version)
		pointer := func(level int) []byte {
			if level != 1 || c.pointer == "" {
				return nil
			}
			return base.AppendInternalKey(nil, []byte(c.pointer), 1, base.KindPut)
		}
		busy := func(picked *Compaction) bool {
			for table := range picked.Tables() {
				if slices.Contains(strings.Fields(c.busy), fmt.Sprint(table.Num)) {
					return true
				}
			}
			return false
		}
		if got := describe(Pick(v, limits, pointer, busy)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPickDenseOfWhatLeavesLittle(t *testing.T) {
	// 90 of 100 tombstones and 110 entries hide as many entries: a fifth is left of 1,100 bytes.
	v := parseVersion(t, "0 5 100 a z 100 90\n1 3 1000 a z 100 0")
	none := func(*Compaction) bool { return false }
	for most, want := range map[int64]string{199: "none", 200: "level 0: 5 + 3"} {
		if got := describe(PickDense(v, Limits{TableSize: 100}, most, none)); got != want {
			t.Errorf("at most %d bytes: %s, want %s", most, got, want)
		}
	}
	v = parseVersion(t, "0 5 100 a z 100 90\n1 3 1000 a z 80 0")
	if got := describe(PickDense(v, Limits{TableSize: 100}, 0, none)); got != "level 0: 5 + 3" {
		t.Errorf("where nothing is left: %s", got)
	}
}

func TestPickRange(t *testing.T) {
	const version = "0 9 100 a c\n0 8 100 b e\n1 3 900 a b\n1 4 900 d e\n1 5 900 g h\n1 7 900 i j\n2 6 100 a z"
	limits := Limits{TableSize: 100, BaseLevelSize: 300, L0Files: 2}
	for _, c := range []struct {
		level        int
		lower, upper string
		want         string
	}{
		{0, "a", "a", "level 0: 9 8 + 3 4"},
		{0, "f", "z", "none"},
		{1, "d", "d", "level 1: 4 + 6"},
		{1, "c", "c", "none"},
		{1, "", "", "level 1: 3 4 5 + 6"}, // as much as a compaction may take in
		{1, "g", "", "level 1: 5 7 + 6"},
		{2, "", "", "level 2: 6"},
	} {
		v := parseVersion(t, version)
		var lower, upper []byte
		if c.lower != "" {
			lower = []byte(c.lower)
		}
		if c.upper != "" {
			upper = []byte(c.upper)
		}
		if got := describe(PickRange(v, c.level, lower, upper, limits)); got != c.want {
			t.Errorf("level %d, %s to %s: %s, want %s", c.level, c.lower, c.upper, got, c.want)
		}
	}
}

func TestPickRewrite(t *testing.T) {
	limits := Limits{TableSize: 100, BaseLevelSize: 300, L0Files: 2}
	const mixed = "1 3 100 a b\n1 4 40 c d\n1 5 40 e f\n1 6 60 g h\n1 7 100 i j\n1 8 100 k l\n1 9 20 m n"
	for _, c := range []struct {
		name, version      string
		lower, from, upper string
		wanted             string // numbers
		want               string
	}{
		{name: "neighbours that fit into one table", version: mixed, want: "level 1: 4 5 within it"},
		{name: "with the one before from", version: mixed, from: "e", want: "level 1: 4 5 within it"},
		{name: "but not with one before lower", version: mixed, lower: "e", from: "e", want: "none"},
		{name: "nor with one behind upper", version: mixed, upper: "d", want: "none"},
		{name: "none that end before from", version: mixed, from: "g", want: "none"},
		{name: "what is wanted", version: mixed, wanted: "8", from: "g", want: "level 1: 8 within it"},
		{name: "what is wanted, and its neighbours", version: mixed, wanted: "6", want: "level 1: 4 5 6 within it"},
		{name: "what is wanted, not once more", version: mixed, wanted: "6 8", from: "i", want: "level 1: 8 within it"},
		{name: "as much as a compaction may take in", version: row(1, 3, 4, 900), wanted: "3 4 5 6", want: "level 1: 3 4 within it"},
		{name: "what is large", version: "1 3 9000 a b\n1 4 9000 c d", wanted: "3 4", want: "level 1: 3 within it"},
		{name: "neighbours above too much", version: "1 3 40 a b\n1 4 40 g h\n2 5 600 c d\n2 6 600 e f", want: "none"},
	} {
		bound := func(key string) []byte {
			if key == "" {
				return nil
			}
			return []byte(key)
		}
		wanted := func(table *manifest.Table) bool {
			return slices.Contains(strings.Fields(c.wanted), fmt.Sprint(table.Num))
		}
		got := describe(PickRewrite(parseVersion(t, c.version), 1, bound(c.lower), bound(c.from), bound(c.upper), limits, wanted))
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// LevelDB may leave the versions of one key in two neighbours.
func TestVersionsOfOneKeyMoveTogether(t *testing.T) {
	v := &manifest.Version{}
	for i, bounds := range [][2]string{{"a.9", "b.5"}, {"b.4", "c.5"}, {"c.4", "d.1"}, {"e.1", "f.1"}} {
		v.Levels[1] = append(v.Levels[1], &manifest.Table{
			Num: base.FileNum(i + 1), Size: 100, Smallest: parseKey(bounds[0]), Largest: parseKey(bounds[1]),
		})
	}
	if got, want := describe(PickRange(v, 1, []byte("d"), []byte("d"), bigLimits)), "level 1: 1 2 3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCollides(t *testing.T) {
	v := parseVersion(t, "0 9 100 c d\n1 3 100 a b\n1 4 100 e f\n1 5 100 g h\n2 6 100 x z")
	rewrite := Rewrite(v, 1, v.Levels[1][:2], bigLimits)
	for _, c := range []struct {
		other *Compaction
		want  bool
	}{
		{PickRange(v, 0, nil, nil, bigLimits), true}, // into the gap
		{Rewrite(v, 1, v.Levels[1][2:], bigLimits), false},
		{PickRange(v, 1, []byte("g"), nil, bigLimits), false},
		{PickRange(v, 1, nil, nil, bigLimits), false}, // they have tables in common, but that is another matter
	} {
		if rewrite.Collides(c.other) != c.want || c.other.Collides(rewrite) != c.want {
			t.Errorf("%s collides with %s: want %t", describe(rewrite), describe(c.other), c.want)
		}
	}
}

func TestEditTakesInputsOutAndAdvancesThePointer(t *testing.T) {
	v := parseVersion(t, "1 3 100 a b\n1 4 100 c d\n2 6 100 a z")
	c := PickRange(v, 1, nil, nil, bigLimits)
	edit := c.Edit()
	want := "[{1 3} {1 4} {2 6}]"
	if got := fmt.Sprint(edit.Deleted); got != want {
		t.Errorf("deleted %s, want %s", got, want)
	}
	if p := edit.CompactPointers; len(p) != 1 || p[0].Level != 1 || formatKey(p[0].Key) != "d.1" {
		t.Errorf("pointers %v", p)
	}
	if low, high := c.Range(); string(low) != "a" || string(high) != "d" {
		t.Errorf("range %s to %s", low, high)
	}
	rewrite := Rewrite(v, 1, v.Levels[1], bigLimits).Edit()
	if got := fmt.Sprint(rewrite.Deleted); got != "[{1 3} {1 4}]" || len(rewrite.CompactPointers) != 0 {
		t.Errorf("a rewrite deletes %s, pointers %v", got, rewrite.CompactPointers)
	}
}
