package sstable

import (
	"bytes"
	"errors"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func FuzzBlock(f *testing.F) {
	key := func(user string) []byte { return internalKey(user, 1, base.KindPut) }
	f.Add(contentsOf(kv{key("a"), []byte("1")}, kv{key("ab"), nil}, kv{key("abc"), []byte("3")}), key("ab"))
	f.Add(contentsOf(kv{key("k"), make([]byte, 300)}), key("j"))
	f.Add(contentsOf(), key("x"))
	f.Fuzz(func(t *testing.T, contents, seek []byte) {
		if checkBlock(contents) != nil || len(seek) < base.TrailerLen {
			return
		}
		var it blockIterator
		it.reset(contents)
		walk := func(ok bool, next func() bool) (moves int) {
			for ; ok; ok = next() {
				if moves++; moves > len(contents) {
					t.Fatal("the walk does not end")
				}
			}
			return moves
		}
		forwards := walk(it.first(), it.next)
		backwards := walk(it.last(), it.prev)
		walk(it.seekGE(seek), it.next)
		walk(it.seekGE(seek), it.prev)
		walk(it.seekLT(seek), it.next)
		walk(it.seekLT(seek), it.prev)
		if len(it.key) > len(contents) || cap(it.tails) > 2*len(contents)+64 {
			t.Fatalf("%d bytes of keys from a block of %d", cap(it.tails), len(contents))
		}
		if _, _, _, err := it.find(seek); err != nil && !errors.Is(err, errDamagedEntry) {
			t.Fatal(err)
		}
		if forwards == 0 || !it.last() || !wellFormed(contents, it.key) {
			return
		}
		if forwards != backwards {
			t.Fatalf("%d entries forwards, %d backwards", forwards, backwards)
		}
		checkFindAgreesWithSeek(t, &it, seek)
	})
}

// wellFormed reports whether Verify would pass the block, whose last key is last.
func wellFormed(contents, last []byte) bool {
	var it blockIterator
	it.reset(contents)
	r := Reader{index: &index{keys: last, blocks: []indexEntry{{keyEnd: uint32(len(last))}}}}
	_, _, err := r.verifyBlock(&it, 0)
	return err == nil
}

func checkFindAgreesWithSeek(t *testing.T, it *blockIterator, seek []byte) {
	t.Helper()
	value, kind, found, err := it.find(seek)
	want := it.seekGE(seek) && bytes.Equal(base.UserKey(it.key), base.UserKey(seek))
	if err != nil || found != want {
		t.Fatalf("find(%q) = %v, %v, want %v", seek, found, err, want)
	}
	if found && (!bytes.Equal(value, it.value) || kind != base.TrailerOf(it.key).Kind()) {
		t.Fatalf("find(%q) = %q, %d, want %q of %q", seek, value, kind, it.value, it.key)
	}
}

func FuzzTable(f *testing.F) {
	key := func(user string) []byte { return internalKey(user, 1, base.KindPut) }
	good := contentsOf(kv{key("a"), []byte("1")}, kv{key("b"), nil}, kv{key("c"), nil})
	filter := buildFilter(10, "a", "b", "c")
	index := contentsOf(kv{key("z"), handle{0, uint64(len(good))}.append(nil)})
	f.Add(good, byte(blockPlain), index, filter, key("b"))
	f.Add([]byte("\x10\x3chello, hello, hello"), byte(blockSnappy), index, filter, key("a"))
	f.Fuzz(func(t *testing.T, data []byte, blockType byte, index, filter, seek []byte) {
		if len(seek) < base.TrailerLen || index == nil {
			return
		}
		r, err := NewReader(newMemFile(assemble(data, blockType, index, nil, filter)), ReaderOptions{Name: "000007.ldb"})
		if err != nil {
			if !isCorruption(err) {
				t.Fatal(err)
			}
			return
		}
		_, _, _, getErr := r.Get(seek, Wait)
		_, _, scanErr := scan(r, true)
		_, _, verifyErr := r.Verify(nil)
		for _, err := range []error{getErr, scanErr, verifyErr} {
			if err != nil && !isCorruption(err) {
				t.Fatal(err)
			}
		}
	})
}

func FuzzDecodeFilter(f *testing.F) {
	f.Add(buildFilter(10, "a", "b"), []byte("a"))
	f.Add(buildFilter(1), []byte(""))
	f.Fuzz(func(t *testing.T, contents, key []byte) {
		filter, err := decodeFilter(contents)
		if err != nil {
			return
		}
		if filter.Cap() > uint(8*len(contents)) {
			t.Fatalf("%d bits from %d bytes", filter.Cap(), len(contents))
		}
		filter.Test(key)
	})
}
