package memtable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/skiplist"
)

func add(t testing.TB, m *Memtable, seq base.Seq, kind base.Kind, key, value string) {
	t.Helper()
	if err := m.Add(nil, seq, kind, []byte(key), []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func TestGetSeesTheNewestEntryAtItsSequenceNumber(t *testing.T) {
	m := New(make([]byte, 1<<16))
	add(t, m, 10, base.KindPut, "key", "old")
	add(t, m, 30, base.KindDelete, "key", "")
	add(t, m, 20, base.KindPut, "key", "new")
	add(t, m, 25, base.KindPut, "ke", "shorter")
	add(t, m, 25, base.KindPut, "key\x00", "longer")
	add(t, m, base.MaxSeq, base.KindPut, "last", "")

	cases := []struct {
		key  string
		seq  base.Seq
		want string
	}{
		{"key", 9, "absent"},
		{"key", 10, "put old"},
		{"key", 19, "put old"},
		{"key", 20, "put new"},
		{"key", 29, "put new"},
		{"key", 30, "delete "},
		{"key", base.MaxSeq, "delete "},
		{"k", base.MaxSeq, "absent"},
		{"ke", base.MaxSeq, "put shorter"},
		{"ke", 24, "absent"},
		{"kez", base.MaxSeq, "absent"},
		{"key\x00", 25, "put longer"},
		{"last", base.MaxSeq, "put "},
		{"last", base.MaxSeq - 1, "absent"},
		{"zzz", base.MaxSeq, "absent"},
		{"", base.MaxSeq, "absent"},
	}
	for _, c := range cases {
		got := "absent"
		if value, kind, found := m.Get([]byte(c.key), c.seq); found {
			got = map[base.Kind]string{base.KindPut: "put ", base.KindDelete: "delete "}[kind] + string(value)
		}
		if got != c.want {
			t.Errorf("Get(%q, %d): %q, want %q", c.key, c.seq, got, c.want)
		}
	}
}

func TestIteratorOrdersByKeyThenNewestFirst(t *testing.T) {
	m := New(make([]byte, 1<<16))
	if it := m.NewIterator(); it.First() || !m.Empty() {
		t.Fatal("a new memtable has an entry")
	}
	add(t, m, 1, base.KindPut, "b", "1")
	add(t, m, 3, base.KindPut, "a", "3")
	add(t, m, 2, base.KindDelete, "b", "")
	add(t, m, 4, base.KindPut, "a\x00", "4")
	if m.Empty() {
		t.Fatal("a memtable with entries says that it is empty")
	}
	var got string
	it := m.NewIterator()
	for ok := it.First(); ok; ok = it.Next() {
		got += fmt.Sprintf("%q@%d=%s ", base.UserKey(it.Key()), base.TrailerOf(it.Key()).Seq(), it.Value())
	}
	const want = `"a"@3=3 "a\x00"@4=4 "b"@2= "b"@1=1 `
	if got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestArenaOfArenaSizeHasRoomForItsEntries(t *testing.T) {
	for _, c := range []struct{ entries, keyLen, valueLen int }{
		{0, 0, 0}, {1, 4, 0}, {1, 4, 1 << 20}, {5000, 4, 0}, {1000, 9, 3}, {100, 64 << 10, 1},
	} {
		bytes := c.entries * (c.keyLen + c.valueLen)
		m := New(make([]byte, ArenaSize(c.entries, bytes)))
		if !m.Room(c.entries, bytes) {
			t.Errorf("%+v: an arena of the right size has no room", c)
		}
		if m.Room(c.entries+1, bytes) {
			t.Errorf("%+v: room for more than was asked for", c)
		}
		key, value := make([]byte, c.keyLen), make([]byte, c.valueLen)
		for i := range c.entries {
			binary.BigEndian.PutUint32(key, uint32(i))
			if err := m.Add(nil, 1, base.KindPut, key, value); err != nil {
				t.Fatalf("%+v, entry %d: %v", c, i, err)
			}
		}
		if m.Size() > m.Capacity() {
			t.Errorf("%+v: size %d, capacity %d", c, m.Size(), m.Capacity())
		}
	}
}

func TestRoomIsTakenByEntries(t *testing.T) {
	m := New(make([]byte, 4096))
	before := m.Size()
	add(t, m, 1, base.KindPut, "key", "0123456789")
	if m.Size() < before+len("key")+len("0123456789") {
		t.Fatalf("size went from %d to %d", before, m.Size())
	}
	if m.Room(1, m.Capacity()-m.Size()) {
		t.Fatal("room for an entry as long as what is left")
	}
}

func TestAddReportsWhatItCouldNotAdd(t *testing.T) {
	m := New(make([]byte, ArenaSize(1, 10)))
	if err := m.Add(nil, 1, base.KindPut, []byte("key"), make([]byte, 1000)); !errors.Is(err, skiplist.ErrFull) {
		t.Fatalf("%v, want ErrFull", err)
	}
	add(t, m, 1, base.KindPut, "key", "")
	if err := m.Add(nil, 1, base.KindPut, []byte("key"), nil); !errors.Is(err, skiplist.ErrExists) {
		t.Fatalf("%v, want ErrExists", err)
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	m := New(make([]byte, 1<<20))
	var s Splice
	for i := range 1000 {
		if err := m.Add(&s, base.Seq(i), base.KindPut, fmt.Appendf(nil, "%06d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	present, missing := []byte("000500"), []byte("0005")
	allocs := testing.AllocsPerRun(100, func() {
		if _, _, found := m.Get(present, base.MaxSeq); !found {
			t.Fatal("key is gone")
		}
		if _, _, found := m.Get(missing, base.MaxSeq); found {
			t.Fatal("key out of nothing")
		}
	})
	if allocs != 0 {
		t.Fatalf("Get allocates %v times", allocs)
	}
}
