package sstable

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func buildFilter(bitsPerKey int, keys ...string) []byte {
	w := filterWriter{bitsPerKey: bitsPerKey}
	for _, key := range keys {
		w.add([]byte(key))
	}
	return w.finish(nil)
}

func TestFilterHasEveryKeyAndFewOthers(t *testing.T) {
	for _, prefix := range []string{"", strings.Repeat("long", maxBufferedKey/4)} {
		for _, n := range []int{0, 1, 7, 100, 20000} {
			keys := make([]string, n)
			for i := range keys {
				keys[i] = fmt.Sprint(prefix, i)
			}
			filter, err := decodeFilter(buildFilter(10, keys...))
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range keys {
				if !filter.Test([]byte(key)) {
					t.Fatalf("the filter of %d keys lacks %q", n, key)
				}
			}
			falsePositives := 0
			for i := range 10000 {
				if filter.Test([]byte(fmt.Sprint(prefix, "absent", i))) {
					falsePositives++
				}
			}
			if falsePositives > 150 {
				t.Errorf("%d of 10000 absent keys pass the filter of %d keys", falsePositives, n)
			}
		}
	}
}

func TestFilterHasKeysOfEveryLength(t *testing.T) {
	var keys []string
	for n := 1; n <= 300; n++ {
		keys = append(keys, strings.Repeat("k", n))
	}
	filter, err := decodeFilter(buildFilter(100, keys...))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if !filter.Test([]byte(key)) {
			t.Errorf("the filter lacks the key of %d bytes", len(key))
		}
	}
}

func TestFilterTakesVersionsOfAKeyOnce(t *testing.T) {
	var model []kv
	for i := range 50 {
		for version := range 40 {
			model = append(model, kv{key: internalKey(fmt.Sprint("key", i+100), base.Seq(1000-version), base.KindPut)})
		}
	}
	r := openTable(t, writeTable(t, model, WriterOptions{FilterBitsPerKey: 10}))
	if bits := r.filter.Cap(); bits > 512 {
		t.Errorf("the filter of 50 user keys has %d bits", bits)
	}
}

func TestFilterSparesTheBlock(t *testing.T) {
	var counters Counters
	file := newMemFile(writeTable(t, numberedModel(1000), WriterOptions{FilterBitsPerKey: 10}))
	r, err := NewReader(file, ReaderOptions{Counters: &counters})
	if err != nil {
		t.Fatal(err)
	}
	opening := file.reads.Load()
	for i := range 1000 {
		absent := internalKey(fmt.Sprintf("%016d", 2*i+1), base.MaxSeq, base.KindSeek)
		if _, _, found, err := r.Get(absent, Wait); found || err != nil {
			t.Fatalf("Get of an absent key: %v, %v", found, err)
		}
	}
	checks, negatives := counters.Checks.Load(), counters.Negatives.Load()
	if checks != 1000 || negatives < 970 {
		t.Errorf("%d checks, %d negatives, want 1000 and nearly as many", checks, negatives)
	}
	if reads := file.reads.Load() - opening; reads != checks-negatives {
		t.Errorf("%d blocks read, want one for each of %d false positives", reads, checks-negatives)
	}
}

func TestDecodeFilterRefusesOtherLayouts(t *testing.T) {
	good := buildFilter(10, "a", "b")
	change := func(offset int, value byte) []byte {
		bad := append([]byte(nil), good...)
		if offset < 0 {
			offset += len(bad)
		}
		bad[offset] = value
		return bad
	}
	cases := map[string][]byte{
		"empty":               {},
		"cut off":             good[1:],
		"no words":            good[8:],
		"no hash functions":   change(8, 0),
		"many hash functions": change(8, maxFilterHashes+1),
		"other base":          change(-1, 11),
		"other start":         change(9, 1),
		"other end":           change(13, 1),
		"end beyond 2 GiB":    binary.LittleEndian.AppendUint32(append([]byte(nil), good[:13]...), 0xffffffff),
	}
	for name, contents := range cases {
		if _, err := decodeFilter(contents); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
	if _, err := decodeFilter(good); err != nil {
		t.Error(err)
	}
}
