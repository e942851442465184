package tables

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
)

// newLevel makes tables of the keys 10-19, 20-29 and so on, but for every third.
func newLevel(t *testing.T, fs vfs.FS) (level []*manifest.Table, users []int) {
	t.Helper()
	for i := range 9 {
		if i%3 == 2 {
			continue
		}
		first := 10 * (i + 1)
		level = append(level, writeTable(t, fs, base.FileNum(i+1), first, first+9))
		for user := first; user <= first+9; user++ {
			users = append(users, user)
		}
	}
	return level, users
}

func TestLevelIteratorWalksItsTablesAsOne(t *testing.T) {
	fs := newFS()
	level, users := newLevel(t, fs)
	c := newCache(fs, 1<<20)
	defer c.Close()
	it := c.NewLevelIterator(level, true)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	at := -1
	for range 2000 {
		move, seek := rng.IntN(10), rng.IntN(110)
		if at < 0 && move >= 4 {
			continue
		}
		from := 0
		for from < len(users) && users[from] < seek {
			from++
		}
		valid := false
		switch {
		case move == 0:
			at, valid = 0, it.First()
		case move == 1:
			at, valid = len(users)-1, it.Last()
		case move == 2:
			at, valid = from, it.SeekGE(key(seek))
		case move == 3:
			at, valid = from-1, it.SeekLT(key(seek))
		case move < 7:
			at, valid = at+1, it.Next()
		default:
			at, valid = at-1, it.Prev()
		}
		if at >= len(users) {
			at = -1
		}
		if valid != (at >= 0) || it.Valid() != valid || it.Error() != nil {
			t.Fatalf("move %d to %d: valid %t, %v", move, at, valid, it.Error())
		}
		if valid && (string(it.Key()) != string(key(users[at])) || string(it.Value()) != fmt.Sprintf("value %d", users[at])) {
			t.Fatalf("move %d: on %q, want %d", move, it.Key(), users[at])
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLevelIteratorStopsAtATableThatCannotBeOpened(t *testing.T) {
	fs := newFS()
	level, users := newLevel(t, fs)
	for name, c := range map[string]struct {
		begin, move func(base.Iterator) bool
	}{
		"forward":  {base.Iterator.First, base.Iterator.Next},
		"backward": {base.Iterator.Last, base.Iterator.Prev},
	} {
		tables := newCache(fs, 1<<20)
		it := tables.NewLevelIterator(level, true)
		fs.SetRule(faultfs.On(faultfs.Kinds(faultfs.Open), faultfs.Nth(2, faultfs.Fault{Err: vfs.ErrIO})))
		n := 0
		for valid := c.begin(it); valid; valid = c.move(it) {
			n++
		}
		if n != 20 || !errors.Is(it.Error(), vfs.ErrIO) || it.Valid() {
			t.Errorf("%s: %d entries, valid %t, %v", name, n, it.Valid(), it.Error())
		}
		n = 0
		for valid := c.begin(it); valid; valid = c.move(it) {
			n++
		}
		if n != len(users) || it.Error() != nil {
			t.Errorf("%s, again: %d entries, %v", name, n, it.Error())
		}
		if err := it.Close(); err != nil {
			t.Error(err)
		}
		tables.Close()
	}
}

// damageBlock flips a bit in a data block of a table, neither its first nor its last.
func damageBlock(t *testing.T, fs vfs.FS, table *manifest.Table) {
	t.Helper()
	name := base.FileName(base.FileTable, table.Num)
	r, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, r.Size())
	if _, err := r.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	data[150] ^= 1
	w, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(data)
	if err = errors.Join(err, w.Sync(vfs.Strict), w.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestLevelIteratorPassesNoDamagedBlock(t *testing.T) {
	fs := newFS()
	level := []*manifest.Table{writeTable(t, fs, 1, 10, 39), writeTable(t, fs, 2, 40, 69), writeTable(t, fs, 3, 70, 99)}
	damageBlock(t, fs, level[1])
	c := newCache(fs, 1<<20)
	defer c.Close()
	it := c.NewLevelIterator(level, true)
	var reached []byte
	for valid := it.First(); valid; valid = it.Next() {
		reached = append(reached[:0], it.Key()...)
	}
	if base.Compare(reached, key(40)) < 0 || base.Compare(reached, key(69)) >= 0 || !base.Unreadable(it.Error()) || it.Valid() {
		t.Errorf("forward to %q, %v", reached, it.Error())
	}
	for valid := it.Last(); valid; valid = it.Prev() {
		reached = append(reached[:0], it.Key()...)
	}
	if base.Compare(reached, key(40)) <= 0 || base.Compare(reached, key(69)) > 0 || !base.Unreadable(it.Error()) || it.Valid() {
		t.Errorf("backward to %q, %v", reached, it.Error())
	}
	if err := it.Close(); err != nil {
		t.Error(err)
	}
}

func TestLevelIteratorOpensTablesAsItReachesThem(t *testing.T) {
	fs := newFS()
	level, _ := newLevel(t, fs)
	c := newCache(fs, 1<<20)
	defer c.Close()
	it := c.NewLevelIterator(level, true)
	it.SeekGE(key(43))
	if n := count(fs, faultfs.Open); n != 1 {
		t.Errorf("%d tables opened for a seek", n)
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestClipKeepsTablesThatMayHoldKeysInTheBounds(t *testing.T) {
	level, _ := newLevel(t, newFS()) // 10-19 20-29 40-49 50-59 70-79 80-89
	user := func(n int) []byte {
		if n < 0 {
			return nil
		}
		return fmt.Appendf(nil, "%04d", n)
	}
	for _, c := range []struct{ lower, upper, first, n int }{
		{-1, -1, 1, 6},
		{19, 20, 1, 1},
		{19, 21, 1, 2},
		{20, -1, 2, 5},
		{30, 40, 0, 0},
		{30, 41, 4, 1},
		{-1, 10, 0, 0},
		{-1, 11, 1, 1},
		{89, -1, 8, 1},
		{90, -1, 0, 0},
		{50, 50, 0, 0},
	} {
		got := Clip(level, user(c.lower), user(c.upper))
		if len(got) != c.n || c.n > 0 && got[0].Num != base.FileNum(c.first) {
			t.Errorf("[%d, %d): %v", c.lower, c.upper, got)
		}
	}
}
