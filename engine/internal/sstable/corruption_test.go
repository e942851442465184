package sstable

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

// checkRightOrCorrupt reads all that the model has from a damaged table.
func checkRightOrCorrupt(t *testing.T, data []byte, model []kv) (noticed bool) {
	t.Helper()
	r, err := NewReader(newMemFile(data), ReaderOptions{Name: "000007.ldb"})
	if err != nil {
		if !isCorruption(err) {
			t.Fatalf("NewReader: %v", err)
		}
		return true
	}
	for _, e := range model {
		value, kind, found, err := r.Get(e.key, Wait)
		switch {
		case err != nil:
			noticed = true
			if !isCorruption(err) {
				t.Fatalf("Get(%q): %v", e.key, err)
			}
		case !found || kind != base.TrailerOf(e.key).Kind() || !bytes.Equal(value, e.value):
			t.Fatalf("Get(%q) = %q, kind %d, %v: wrong", e.key, value, kind, found)
		}
	}
	forwards, backwards, err := scan(r, false)
	if err == nil && (forwards != len(model) || backwards != len(model)) {
		t.Fatalf("scanned %d and %d entries of %d", forwards, backwards, len(model))
	}
	if err != nil && !isCorruption(err) {
		t.Fatal(err)
	}
	if _, verifyErr := r.Verify(); verifyErr == nil && (noticed || err != nil) {
		t.Fatalf("Verify did not find the damage: %v", err)
	}
	return noticed || err != nil
}

func TestFlippedBitGivesRightAnswerOrCorruption(t *testing.T) {
	model := numberedModel(24)
	for _, plain := range []bool{false, true} {
		data := writeTable(t, model, WriterOptions{BlockSize: 512, RestartInterval: 4, FilterBitsPerKey: 10, NoCompression: plain})
		padding := 0
		for i := range data {
			data[i] ^= 1 << (i % 8)
			if !checkRightOrCorrupt(t, data, model) {
				padding++
			}
			data[i] ^= 1 << (i % 8)
		}
		if padding > footerHandlesLen {
			t.Errorf("damage of %d bytes was not noticed", padding)
		}
	}
}

func TestTruncatedTableIsCorrupt(t *testing.T) {
	data := writeTable(t, numberedModel(10), WriterOptions{FilterBitsPerKey: 10})
	for n := range data {
		if _, err := NewReader(newMemFile(data[:n]), ReaderOptions{Name: "000007.ldb"}); !isCorruption(err) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(data), err)
		}
	}
}

func TestCorruptionNamesTheBlock(t *testing.T) {
	model := numberedModel(1000)
	data := writeTable(t, model, WriterOptions{})
	h := openTable(t, data).index.handle(3)
	data[h.offset+10] ^= 1
	r := openTable(t, data)
	it := r.NewIterator(true)
	for ok := it.First(); ok; ok = it.Next() {
	}
	_, verifyErr := r.Verify()
	for _, err := range []error{it.Error(), verifyErr} {
		corruption, ok := err.(*base.CorruptionError)
		if !ok || corruption.File != "000007.ldb" || corruption.Offset != int64(h.offset) {
			t.Errorf("%v, want the block at %d", err, h.offset)
		}
	}
}

// assemble makes a table of one data block. Every checksum is right, whatever the contents.
// A nil index or metaindex is made as it should be.
func assemble(data []byte, blockType byte, index, metaindex, filter []byte) []byte {
	var file []byte
	store := func(contents []byte, blockType byte) handle {
		h := handle{uint64(len(file)), uint64(len(contents))}
		file = append(file, contents...)
		file = appendTrailer(file, contents, blockType)
		return h
	}
	dataHandle := store(data, blockType)
	filterHandle := store(filter, blockPlain)
	if metaindex == nil {
		metaindex = contentsOf(kv{[]byte(filterKey), filterHandle.append(nil)})
	}
	metaindexHandle := store(metaindex, blockPlain)
	if index == nil {
		index = contentsOf(kv{internalKey("z", 0, base.KindPut), dataHandle.append(nil)})
	}
	return appendFooter(file, metaindexHandle, store(index, blockPlain))
}

// contentsOf returns the contents of a block of the entries.
func contentsOf(entries ...kv) []byte {
	w := blockWriter{restartInterval: 2}
	for _, e := range entries {
		w.add(e.key, e.value)
	}
	return slices.Clone(w.finish())
}

func TestBlockWithRightChecksumAndWrongContentsIsCorrupt(t *testing.T) {
	key := func(user string) []byte { return internalKey(user, 1, base.KindPut) }
	good := contentsOf(kv{key("a"), nil}, kv{key("b"), nil}, kv{key("c"), nil})
	sharing := contentsOf(kv{key("aa"), nil}, kv{key("ab"), nil})
	filter := buildFilter(10, "a", "b", "c")
	far := handle{1 << 40, 1}.append(nil)
	near := handle{0, 10}.append(nil)
	cases := []struct {
		name                           string
		data, index, metaindex, filter []byte
		blockType                      byte
	}{
		{name: "unknown block type", data: good, blockType: 7},
		{name: "zstd", data: good, blockType: 2},
		{name: "snappy of nothing", data: []byte{}, blockType: blockSnappy},
		{name: "snappy that claims 4 GiB", data: []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}, blockType: blockSnappy},
		{name: "no restarts", data: make([]byte, 8)},
		{name: "too many restarts", data: []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}},
		{name: "restart beyond the entries", data: append(slices.Clone(good[:len(good)-8]), 200, 0, 0, 0, 2, 0, 0, 0)},
		{name: "restart within an entry", data: append(slices.Clone(good[:len(good)-8]), 5, 0, 0, 0, 2, 0, 0, 0)},
		{name: "restart that shares a key", data: append(slices.Clone(sharing[:len(sharing)-4]), 13, 0, 0, 0, 2, 0, 0, 0), filter: buildFilter(10, "aa", "ab")},
		{name: "key without a trailer", data: contentsOf(kv{[]byte("short"), nil})},
		{name: "key of an unknown kind", data: contentsOf(kv{internalKey("a", 1, 9), nil})},
		{name: "keys out of order", data: contentsOf(kv{key("b"), nil}, kv{key("a"), nil})},
		{name: "key behind that of the index", data: contentsOf(kv{key("zz"), nil}), filter: buildFilter(10, "zz")},
		{name: "filter without a key", data: good, filter: buildFilter(100, "other")},
		{name: "filter that is none", data: good, filter: []byte("nonsense")},
		{name: "filter beyond the file", data: good, metaindex: contentsOf(kv{[]byte(filterKey), far})},
		{name: "metaindex that is no block", data: good, metaindex: []byte("nonsense")},
		{name: "data block beyond the file", data: good, index: contentsOf(kv{key("z"), far})},
		{name: "index key without a trailer", data: good, index: contentsOf(kv{[]byte("z"), near})},
		{name: "index out of order", data: good, index: contentsOf(kv{key("z"), near}, kv{key("y"), handle{20, 1}.append(nil)})},
		{name: "overlapping blocks", data: good, index: contentsOf(kv{key("y"), near}, kv{key("z"), handle{9, 1}.append(nil)})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.filter == nil {
				c.filter = filter
			}
			r, err := NewReader(newMemFile(assemble(c.data, c.blockType, c.index, c.metaindex, c.filter)),
				ReaderOptions{Name: "000007.ldb"})
			if err == nil {
				_, err = r.Verify()
			}
			if !isCorruption(err) {
				t.Fatalf("%v, want a CorruptionError", err)
			}
		})
	}
	r, err := NewReader(newMemFile(assemble(good, blockPlain, nil, nil, filter)), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Verify(); n != 3 || err != nil {
		t.Fatalf("the undamaged table: %d entries, %v", n, err)
	}
}

func TestIndexWithExplodingKeysIsRefused(t *testing.T) {
	w := blockWriter{restartInterval: 1 << 20}
	prefix := bytes.Repeat([]byte("p"), 4000)
	for i := range uint64(2000) {
		user := fmt.Appendf(slices.Clone(prefix), "%04d", i)
		w.add(base.AppendInternalKey(nil, user, 1, base.KindPut), handle{6 * i, 1}.append(nil))
	}
	if _, err := decodeIndex(w.finish(), 1<<20); err == nil {
		t.Fatal("an index whose keys take 8 MB in memory was decoded from a few KB")
	}
}

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
	_, err := r.verifyBlock(&it, 0)
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
		_, verifyErr := r.Verify()
		for _, err := range []error{getErr, scanErr, verifyErr} {
			if err != nil && !isCorruption(err) {
				t.Fatal(err)
			}
		}
	})
}
