package engine

import (
	"fmt"
	"strings"
	"testing"
)

// spread writes a to j so that each of memtable, level 0 and the levels below has some of them,
// and some stale ones beside.
func (f *fixture) spread() {
	f.t.Helper()
	f.put("a=0", "b=1", "c=0", "d=1", "x=0", "h=0")
	f.must(f.Compact(nil, nil))
	f.put("c=1", "e=1", "f=0", "y=0")
	f.del("h")
	f.must(f.Flush())
	f.put("f=1", "g=0", "h=1")
	f.del("x")
	f.must(f.Flush())
	f.put("a=1", "g=1", "i=1", "j=1")
	f.del("y")
}

const spreadKeys = "abcdefghij"

func TestIteratorWalksItsBounds(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.spread()
	for _, c := range []struct{ lower, upper, want string }{
		{"", "", spreadKeys},
		{"a", "k", spreadKeys},
		{"c", "", "cdefghij"},
		{"c", "f", "cde"},
		{"bb", "ff", "cdef"},
		{"", "a", ""},
		{"k", "", ""},
		{"c", "c", ""},
		{"h", "hh", "h"},
		{"w", "z", ""},
	} {
		var o IterOptions
		if c.lower != "" {
			o.Lower = []byte(c.lower)
		}
		if c.upper != "" {
			o.Upper = []byte(c.upper)
		}
		it, err := f.NewIterator(o)
		f.must(err)
		// The bounds are the caller's again.
		clear(o.Lower)
		clear(o.Upper)
		forward := keysOf(entries(it, it.First, it.Next))
		backward := keysOf(entries(it, it.Last, it.Prev))
		if forward != c.want || backward != reversed(c.want) {
			t.Errorf("[%s, %s): %q and back %q, want %q", c.lower, c.upper, forward, backward, c.want)
		}
		f.must(it.Error())
		f.must(it.Close())
	}
}

func keysOf(pairs []string) string {
	var b strings.Builder
	for _, pair := range pairs {
		key, _, _ := strings.Cut(pair, "=")
		b.WriteString(key)
	}
	return b.String()
}

func reversed(s string) string {
	var b strings.Builder
	for i := len(s) - 1; i >= 0; i-- {
		b.WriteByte(s[i])
	}
	return b.String()
}

func TestIteratorSeeks(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.spread()
	it, err := f.NewIterator(IterOptions{Lower: []byte("b"), Upper: []byte("i")})
	f.must(err)
	defer it.Close()
	for _, c := range []struct{ target, atOrBehind, before string }{
		{"", "b", ""},
		{"a", "b", ""},
		{"b", "b", ""},
		{"b\x00", "c", "b"},
		{"e", "e", "d"},
		{"hh", "", "h"},
		{"i", "", "h"},
		{"z", "", "h"},
	} {
		if got := shown(it, it.SeekGE([]byte(c.target))); got != c.atOrBehind {
			t.Errorf("SeekGE(%q): %q, want %q", c.target, got, c.atOrBehind)
		}
		if got := shown(it, it.SeekLT([]byte(c.target))); got != c.before {
			t.Errorf("SeekLT(%q): %q, want %q", c.target, got, c.before)
		}
	}
}

func shown(it *Iterator, valid bool) string {
	if valid != it.Valid() {
		return fmt.Sprintf("move: %t, Valid: %t", valid, it.Valid())
	}
	if !valid {
		return ""
	}
	return string(it.Key())
}

func TestIteratorTurnsRoundAtEveryKey(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.spread()
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	for i := range len(spreadKeys) {
		key := spreadKeys[i : i+1]
		it.SeekGE([]byte(key))
		if i+1 < len(spreadKeys) {
			next := shown(it, it.Next())
			back := shown(it, it.Prev())
			if next != spreadKeys[i+1:i+2] || back != key || string(it.Value()) != "1" {
				t.Errorf("from %s: next %q, back %q=%q", key, next, back, it.Value())
			}
		}
		if i > 0 {
			previous := shown(it, it.Prev())
			again := shown(it, it.Next())
			if previous != spreadKeys[i-1:i] || again != key || string(it.Value()) != "1" {
				t.Errorf("from %s: previous %q, again %q=%q", key, previous, again, it.Value())
			}
		}
	}
}

func TestIteratorStandsNowhereAtFirst(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	if it.Valid() || it.Next() || it.Prev() || it.Error() != nil {
		t.Error("a new iterator stands somewhere")
	}
	if !it.First() || it.Next() || it.Valid() || it.Next() || it.Prev() {
		t.Error("an iterator moves on from the end")
	}
	if !it.Last() {
		t.Error("an iterator that has ended can't be positioned again")
	}
}

func TestIteratorSeesOneMomentAcrossFlushAndCompaction(t *testing.T) {
	f := newFixture(t, smallOptions())
	for i := range 300 {
		f.must(f.Put(numberedKey(i), []byte("old"), Deferred))
	}
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	defer it.Close()
	n := 0
	for valid := it.First(); valid; valid = it.Next() {
		if string(it.Key()) != string(numberedKey(n)) || string(it.Value()) != "old" {
			t.Fatalf("entry %d: %s=%s", n, it.Key(), it.Value())
		}
		switch n % 100 {
		case 10:
			for i := range 600 {
				f.must(f.Put(numberedKey(i), noise(i, 100), Deferred))
			}
		case 20:
			f.must(f.Flush())
		case 30:
			f.must(f.DeleteRange(numberedKey(50), nil, Relaxed))
		case 40:
			f.must(f.Compact(nil, nil))
		}
		n++
	}
	f.must(it.Error())
	if n != 300 {
		t.Errorf("%d entries", n)
	}
	backward := entries(it, it.Last, it.Prev)
	if len(backward) != 300 {
		t.Errorf("%d entries backward", len(backward))
	}
}

func TestIteratorsSeeWhatWasThereWhenTheyWereMade(t *testing.T) {
	f := newFixture(t, quietOptions())
	var iterators []*Iterator
	for i := range 4 {
		it, err := f.NewIterator(IterOptions{})
		f.must(err)
		iterators = append(iterators, it)
		f.put(fmt.Sprintf("k%d=1", i))
	}
	for i, it := range iterators {
		if pairs := entries(it, it.First, it.Next); len(pairs) != i {
			t.Errorf("iterator %d finds %v", i, pairs)
		}
		f.must(it.Close())
	}
}

func TestIteratorWithoutCacheFillLeavesTheCacheAlone(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.load(200, 50)
	f.must(f.Flush())
	for _, noFill := range []bool{true, false} {
		before := f.Metrics().BlockCache.Bytes
		it, err := f.NewIterator(IterOptions{NoCacheFill: noFill})
		f.must(err)
		if n := len(entries(it, it.First, it.Next)); n != 200 {
			t.Errorf("%d entries", n)
		}
		f.must(it.Close())
		if filled := f.Metrics().BlockCache.Bytes > before; filled == noFill {
			t.Errorf("NoCacheFill %t: filled: %t", noFill, filled)
		}
	}
}

func TestClosedIteratorStandsNowhere(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	it, err := f.NewIterator(IterOptions{})
	f.must(err)
	it.First()
	f.must(it.Close())
	f.must(it.Close())
	for name, moved := range map[string]bool{
		"First": it.First(), "Last": it.Last(), "Next": it.Next(), "Prev": it.Prev(),
		"SeekGE": it.SeekGE([]byte("a")), "SeekLT": it.SeekLT([]byte("z")),
	} {
		if moved || it.Valid() {
			t.Errorf("%s: %t", name, moved)
		}
	}
	expect(t, "Error", it.Error(), ErrClosed)
	if n := f.Metrics().Iterators; n != 0 {
		t.Errorf("%d iterators open", n)
	}
}

func TestCrossedBoundsAreRefused(t *testing.T) {
	f := newFixture(t, quietOptions())
	lower, upper := []byte("b"), []byte("a")
	_, err := f.NewIterator(IterOptions{Lower: lower, Upper: upper})
	expect(t, "NewIterator", err, ErrInvalidArgument)
	expect(t, "DeleteRange", f.DeleteRange(lower, upper, Relaxed), ErrInvalidArgument)
	expect(t, "Compact", f.Compact(lower, upper), ErrInvalidArgument)
}

func TestPrefixBounds(t *testing.T) {
	for _, c := range []struct{ prefix, lower, upper string }{
		{"a", "a", "b"},
		{"ab", "ab", "ac"},
		{"a\xff", "a\xff", "b"},
		{"a\xfe\xff\xff", "a\xfe\xff\xff", "a\xff"},
		{"\xff\xff", "\xff\xff", ""},
		{"", "", ""},
	} {
		lower, upper := PrefixBounds([]byte(c.prefix))
		if string(lower) != c.lower || string(upper) != c.upper || (upper == nil) != (c.upper == "") {
			t.Errorf("%q: %q, %q", c.prefix, lower, upper)
		}
	}
}
