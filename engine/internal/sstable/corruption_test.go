package sstable

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/golang/snappy"

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
	if _, _, verifyErr := r.Verify(nil); verifyErr == nil && (noticed || err != nil) {
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
	_, _, verifyErr := r.Verify(nil)
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
		{name: "entries before the first restart", data: append(slices.Clone(good[:len(good)-12]), append(slices.Clone(good[len(good)-8:len(good)-4]), 1, 0, 0, 0)...)},
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
		{name: "two blocks under one index key", data: good, index: contentsOf(kv{key("z"), near}, kv{key("z"), handle{20, 1}.append(nil)})},
		{name: "overlapping blocks", data: good, index: contentsOf(kv{key("y"), near}, kv{key("z"), handle{9, 1}.append(nil)})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.filter == nil {
				c.filter = filter
			}
			r, err := NewReader(newMemFile(assemble(c.data, c.blockType, c.index, c.metaindex, c.filter)),
				ReaderOptions{Name: "000007.ldb"})
			if err == nil && c.index == nil { // a bad index must be noticed when it is read
				_, _, err = r.Verify(nil)
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
	if n, _, err := r.Verify(nil); n != 3 || err != nil {
		t.Fatalf("the undamaged table: %d entries, %v", n, err)
	}
}

func TestEveryReadReportsADamagedEntry(t *testing.T) {
	sound := kv{internalKey("c", 1, base.KindPut), nil}
	sharing := contentsOf(kv{internalKey("b", 1, base.KindPut), nil}, sound)
	sharing[0] = 3
	for name, damaged := range map[string][]byte{
		"no trailer":         contentsOf(kv{[]byte("b"), nil}, sound),
		"unknown kind":       contentsOf(kv{internalKey("b", 1, 9), nil}, sound),
		"shares with no key": sharing,
	} {
		r, err := NewReader(newMemFile(assemble(damaged, blockPlain, nil, nil, buildFilter(10, "b"))),
			ReaderOptions{Name: "000007.ldb"})
		if err != nil {
			t.Fatal(err)
		}
		it := r.NewIterator(true)
		key := internalKey("b", 1, base.KindSeek)
		for read, f := range map[string]func() bool{
			"First": it.First, "Last": it.Last,
			"SeekGE": func() bool { return it.SeekGE(key) },
			"SeekLT": func() bool { return it.SeekLT(sound.key) },
		} {
			if f() || it.Valid() || !isCorruption(it.Error()) {
				t.Errorf("%s, %s: valid %v, %v", name, read, it.Valid(), it.Error())
			}
		}
		if _, _, _, err := r.Get(internalKey("b", 9<<8, base.KindSeek), Wait); !isCorruption(err) {
			t.Errorf("%s, Get: %v", name, err)
		}
	}
}

// A read looks for such a key in the block before, which the index says may have it.
func TestVerifyNoticesAKeyAtOrBeforeTheBoundOfTheBlockBefore(t *testing.T) {
	key := func(user string) []byte { return internalKey(user, 1, base.KindPut) }
	first, second := contentsOf(kv{key("a"), nil}), contentsOf(kv{key("e"), nil})
	firstHandle := handle{0, uint64(len(first))}
	secondHandle := handle{firstHandle.end(), uint64(len(second))}
	noFilter := contentsOf(kv{[]byte("other"), nil})
	for bound, sound := range map[string]bool{"d": true, "e": false, "f": false} {
		index := contentsOf(kv{key(bound), firstHandle.append(nil)}, kv{key("z"), secondHandle.append(nil)})
		// The second block stands where a filter would.
		r, err := NewReader(newMemFile(assemble(first, blockPlain, index, noFilter, second)), ReaderOptions{Name: "000007.ldb"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Verify(nil); (err == nil) != sound || !sound && !isCorruption(err) {
			t.Errorf("bound %s: %v", bound, err)
		}
	}
}

func TestReadsRefuseABlockWhoseRestartsAreOutOfOrder(t *testing.T) {
	key := func(user string) []byte { return internalKey(user, 1, base.KindPut) }
	w := blockWriter{restartInterval: 1}
	for _, user := range []string{"a", "b", "c"} {
		w.add(key(user), nil)
	}
	sound := slices.Clone(w.restarts)
	for name, restarts := range map[string][]uint32{
		"first not at the beginning": {sound[1], sound[2]},
		"twice":                      {sound[0], sound[1], sound[1]},
		"backwards":                  {sound[0], sound[2], sound[1]},
		"at the end":                 {sound[0], sound[1], uint32(len(w.buf))},
		"beyond the end":             {sound[0], sound[1], 1000},
	} {
		damaged := w
		damaged.buf, damaged.restarts = slices.Clone(w.buf), restarts
		r, err := NewReader(newMemFile(assemble(damaged.finish(), blockPlain, nil, nil, buildFilter(10, "c"))),
			ReaderOptions{Name: "000007.ldb"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := r.Get(key("c"), Wait); !isCorruption(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReverseWalkNoticesAMisplacedRestart(t *testing.T) {
	key := func(user string) []byte { return internalKey(user, 1, base.KindPut) }
	// The second entry's value looks like an entry that reaches into the third.
	fake := append([]byte{0, 9, 20}, key("b")...)
	w := blockWriter{restartInterval: 1}
	w.add(key("a"), nil)
	w.add(key("b"), fake)
	misplaced := uint32(len(w.buf) - len(fake))
	w.add(key("c"), make([]byte, 40))
	w.restarts[1] = misplaced
	var it blockIterator
	it.reset(w.finish())
	if !it.last() {
		t.Fatal("the last entry is sound")
	}
	if it.prev() || !it.damaged {
		t.Fatalf("prev went from the third entry to %q", it.key)
	}
}

func TestUncompressingAllocatesNoMoreThanSnappyCanHold(t *testing.T) {
	claim := []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0} // 4 GiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := uncompress(nil, claim); err == nil {
		t.Error("six bytes were uncompressed to 4 GiB")
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
	dense := make([]byte, 1<<20)
	if got, err := uncompress(nil, snappy.Encode(nil, dense)); err != nil || !bytes.Equal(got, dense) {
		t.Errorf("a block of zeros: %v", err)
	}
}

func TestHandleMustLieInTheFile(t *testing.T) {
	const limit = 100
	cases := []struct {
		h    handle
		good bool
	}{
		{handle{0, 95}, true},
		{handle{95, 0}, true},
		{handle{0, 96}, false},
		{handle{96, 0}, false},
		{handle{101, 0}, false},
		{handle{50, 1<<64 - 50}, false},
		{handle{1<<64 - 1, 1<<64 - 1}, false},
	}
	for _, c := range cases {
		encoded := c.h.append(nil)
		h, n, err := decodeHandle(encoded, limit)
		if (err == nil) != c.good || c.good && (h != c.h || n != len(encoded)) {
			t.Errorf("decodeHandle of %v: %v, %d, %v", c.h, h, n, err)
		}
		if _, _, err := decodeHandle(encoded[:len(encoded)-1], limit); err == nil {
			t.Errorf("decodeHandle of %v, cut off, succeeded", c.h)
		}
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

func TestCompressedBlockCannotClaimAnySize(t *testing.T) {
	claim := binary.AppendUvarint(nil, 1<<30)
	if _, err := uncompress(nil, claim); err == nil || !strings.Contains(err.Error(), "can't hold 1073741824") {
		t.Errorf("%d bytes claim to hold a gigabyte: %v", len(claim), err)
	}
}
