package sstable

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
)

func TestTryNeverReadsTheFile(t *testing.T) {
	model := numberedModel(1000)
	file := newMemFile(writeTable(t, model, WriterOptions{FilterBitsPerKey: 10}))
	r, err := NewReader(file, ReaderOptions{Blocks: cache.New(1 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	opening := file.reads.Load()
	key := model[500].key
	if _, _, _, err := r.Get(key, Try); !errors.Is(err, base.ErrWouldWait) {
		t.Fatalf("Get of a cold block: %v, want ErrWouldWait", err)
	}
	absent := internalKey("absent", 1, base.KindSeek)
	if _, _, found, err := r.Get(absent, Try); found || err != nil {
		t.Fatalf("Get of a filtered key: %v, %v", found, err)
	}
	if file.reads.Load() != opening {
		t.Fatal("Get with Try read the file")
	}
	checkGet(t, r, model, key)
	value, kind, found, err := r.Get(key, Try)
	if err != nil || !found || kind != base.KindPut || string(value) != string(model[500].value) {
		t.Fatalf("Get of a cached block: %q, %d, %v, %v", value, kind, found, err)
	}
	if reads := file.reads.Load() - opening; reads != 1 {
		t.Fatalf("%d reads of one block", reads)
	}
}

// handyFile is a table file that has all in memory while it is told so.
type handyFile struct {
	*memFile
	handy bool
}

func (f *handyFile) TryReadAt(p []byte, off int64) bool {
	if !f.handy {
		return false
	}
	n, _ := f.Reader.ReadAt(p, off)
	return n == len(p)
}

func TestTryTakesWhatTheFileHasInMemory(t *testing.T) {
	model := numberedModel(1000)
	data := writeTable(t, model, WriterOptions{})
	for name, blocks := range map[string]*cache.Cache{"with a cache": cache.New(1 << 20), "without": nil} {
		t.Run(name, func(t *testing.T) {
			file := &handyFile{memFile: newMemFile(data)}
			r, err := NewReader(file, ReaderOptions{Blocks: blocks})
			if err != nil {
				t.Fatal(err)
			}
			opening := file.reads.Load()
			try := func() error {
				value, _, found, err := r.Get(model[500].key, Try)
				if err == nil && (!found || string(value) != string(model[500].value)) {
					t.Errorf("Get gives %q, %v", value, found)
				}
				return err
			}
			if err := try(); !errors.Is(err, base.ErrWouldWait) {
				t.Errorf("Get of what is not in memory: %v", err)
			}
			file.handy = true
			if err := try(); err != nil {
				t.Error(err)
			}
			file.handy = false
			if err := try(); errors.Is(err, base.ErrWouldWait) != (blocks == nil) {
				t.Errorf("Get of what was in memory: %v", err)
			}
			if reads := file.reads.Load() - opening; reads != 0 {
				t.Errorf("%d reads", reads)
			}
		})
	}
}

func TestTryFindsDamageInMemory(t *testing.T) {
	model := numberedModel(1000)
	file := &handyFile{memFile: newMemFile(writeTable(t, model, WriterOptions{})), handy: true}
	r, err := NewReader(file, ReaderOptions{Blocks: cache.New(1 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	damaged := make([]byte, file.Len())
	if _, err := file.Reader.ReadAt(damaged, 0); err != nil {
		t.Fatal(err)
	}
	damaged[10] ^= 1
	file.Reader = bytes.NewReader(damaged)
	for range 2 { // nor is it kept
		if _, _, _, err := r.Get(model[0].key, Try); !base.Unreadable(err) {
			t.Errorf("Get of a damaged block: %v", err)
		}
	}
}

// cachedBlocks returns which data blocks are in the cache, leaving their order alone.
func cachedBlocks(r *Reader) []int {
	var held []int
	for i := range r.index.len() {
		missing := errors.New("missing")
		_, err := r.options.Blocks.Load(r.cacheKey(i), false, func() ([]byte, error) { return nil, missing })
		if err == nil {
			held = append(held, i)
		}
	}
	return held
}

func TestIteratorThatDoesNotFillLeavesTheCacheAlone(t *testing.T) {
	var model []kv
	for i := range base.Seq(6) {
		model = append(model, kv{internalKey(fmt.Sprint(i), i, base.KindPut), make([]byte, 10_000)})
	}
	// A block an entry, of which the cache has room for three.
	file := &handyFile{memFile: newMemFile(writeTable(t, model, WriterOptions{BlockSize: 1})), handy: true}
	for _, mode := range []Mode{Wait, Try} {
		r, err := NewReader(file, ReaderOptions{Blocks: cache.New(35_000)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			checkGet(t, r, model, model[i].key)
		}
		it := new(Iterator)
		it.Reset(r, false, &mode)
		if !it.First() || !it.Last() {
			t.Fatal(it.Error())
		}
		checkGet(t, r, model, model[3].key)
		if got := fmt.Sprint(cachedBlocks(r)); got != "[1 2 3]" {
			t.Errorf("mode %d: blocks %s are cached, want those that Get used last", mode, got)
		}
	}
}

func TestGetSeesNewestVersionAtOrBehindKey(t *testing.T) {
	model := []kv{
		{internalKey("k", 30, base.KindDelete), nil},
		{internalKey("k", 20, base.KindPut), []byte("twenty")},
		{internalKey("k", 10, base.KindPut), []byte("ten")},
	}
	// A block an entry: versions of a key lie in several blocks.
	r := openTable(t, writeTable(t, model, WriterOptions{BlockSize: 1, FilterBitsPerKey: 10}))
	for _, c := range []struct {
		seq   base.Seq
		found bool
		kind  base.Kind
		value string
	}{
		{base.MaxSeq, true, base.KindDelete, ""},
		{30, true, base.KindDelete, ""},
		{29, true, base.KindPut, "twenty"},
		{20, true, base.KindPut, "twenty"},
		{19, true, base.KindPut, "ten"},
		{9, false, 0, ""},
	} {
		value, kind, found, err := r.Get(internalKey("k", c.seq, base.KindSeek), Wait)
		if found != c.found || kind != c.kind || string(value) != c.value || err != nil {
			t.Errorf("at %d: %q, kind %d, %v, %v, want %+v", c.seq, value, kind, found, err, c)
		}
	}
}

func TestOpenTakesOneRead(t *testing.T) {
	data := writeTable(t, numberedModel(18000), WriterOptions{FilterBitsPerKey: 10})
	file := newMemFile(data)
	if _, err := NewReader(file, ReaderOptions{}); err != nil {
		t.Fatal(err)
	}
	if reads := file.reads.Load(); reads != 1 {
		t.Errorf("opening a table of %d bytes took %d reads", len(data), reads)
	}
}

func TestOpenReadsMetadataLargerThanTheTail(t *testing.T) {
	model := numberedModel(3000)
	data := writeTable(t, model, WriterOptions{BlockSize: 1, FilterBitsPerKey: 300})
	r := openTable(t, data)
	if r.MemorySize() < 2*tailSize {
		t.Fatalf("%d bytes of metadata are too few for this test", r.MemorySize())
	}
	for _, e := range model {
		checkGet(t, r, model, e.key)
	}
}

func TestScanReadsAhead(t *testing.T) {
	data := writeTable(t, numberedModel(20000), WriterOptions{NoCompression: true})
	for _, fill := range []bool{false, true} {
		file := newMemFile(data)
		r, err := NewReader(file, ReaderOptions{Blocks: cache.New(16 << 20)})
		if err != nil {
			t.Fatal(err)
		}
		most := int64(len(data)/(maxReadAhead-minReadAhead) + 6)
		for _, name := range []string{"forwards", "backwards"} {
			it := r.NewIterator(fill)
			start, n := file.reads.Load(), 0
			if name == "forwards" {
				for ok := it.First(); ok; ok = it.Next() {
					n++
				}
			} else {
				for ok := it.Last(); ok; ok = it.Prev() {
					n++
				}
			}
			if n != 20000 || it.Error() != nil {
				t.Fatalf("%s: %d entries, %v", name, n, it.Error())
			}
			reads := file.reads.Load() - start
			if cached := fill && name == "backwards"; cached && reads != 0 {
				t.Errorf("fill, %s: %d reads of cached blocks", name, reads)
			}
			if reads > most {
				t.Errorf("fill %v, %s: %d reads, want %d at most", fill, name, reads, most)
			}
		}
	}
}

func TestSeekReadsOneBlock(t *testing.T) {
	model := numberedModel(20000)
	file := newMemFile(writeTable(t, model, WriterOptions{NoCompression: true}))
	r, err := NewReader(file, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	it := r.NewIterator(false)
	for _, i := range []int{9000, 100, 15000, 5000} {
		start := file.reads.Load()
		if !it.SeekGE(model[i].key) {
			t.Fatalf("entry %d not found: %v", i, it.Error())
		}
		if reads := file.reads.Load() - start; reads != 1 || len(it.ahead.buf) > 5000 {
			t.Errorf("a seek took %d reads, %d bytes", reads, len(it.ahead.buf))
		}
	}
}

func TestIteratorWithoutFillLeavesTheCacheAlone(t *testing.T) {
	model := numberedModel(1000)
	r := openTable(t, writeTable(t, model, WriterOptions{}))
	if _, _, err := scan(r, false); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := r.Get(model[500].key, Try); !errors.Is(err, base.ErrWouldWait) {
		t.Fatalf("after a scan that must not fill the cache: %v", err)
	}
	if _, _, err := scan(r, true); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := r.Get(model[500].key, Try); err != nil {
		t.Fatalf("after a scan that fills the cache: %v", err)
	}
}

// flakyFile fails its reads while it is told to.
type flakyFile struct {
	*memFile
	failing bool
}

func (f *flakyFile) ReadAt(p []byte, off int64) (int, error) {
	if f.failing {
		return 0, errDisk
	}
	return f.memFile.ReadAt(p, off)
}

func TestReadErrorPassesAndIsNoCorruption(t *testing.T) {
	model := numberedModel(2000)
	file := &flakyFile{memFile: newMemFile(writeTable(t, model, WriterOptions{}))}
	r, err := NewReader(file, ReaderOptions{Name: "000007.ldb", Blocks: cache.New(1 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, errDisk) || isCorruption(err) || !strings.Contains(fmt.Sprint(err), "000007.ldb") {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, fill := range []bool{false, true} {
		it := r.NewIterator(fill)
		if !it.SeekGE(model[0].key) {
			t.Fatal(it.Error())
		}
		file.failing = true
		for it.Next() {
		}
		check("Next", it.Error())
		if it.Valid() || it.SeekGE(model[1500].key) || it.Valid() {
			t.Error("an iterator that failed is valid")
		}
		check("SeekGE", it.Error())
		_, _, _, err = r.Get(model[1500].key, Wait)
		check("Get", err)
		_, _, err = r.Verify(nil)
		check("Verify", err)
		file.failing = false
		if !it.SeekGE(model[1000].key) || it.Error() != nil {
			t.Errorf("the iterator did not recover: %v", it.Error())
		}
	}
	checkGet(t, r, model, model[1500].key)
}

func TestCloseClosesTheFile(t *testing.T) {
	file := newMemFile(writeTable(t, nil, WriterOptions{}))
	r, err := NewReader(file, ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil || !file.closed {
		t.Fatalf("closed %v, %v", file.closed, err)
	}
}

func TestReaderServesManyGoroutines(t *testing.T) {
	model := numberedModel(3000)
	r := openTable(t, writeTable(t, model, WriterOptions{FilterBitsPerKey: 10}))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < len(model); i += 3 {
				value, _, found, err := r.Get(model[i].key, Wait)
				if err != nil || !found || string(value) != string(model[i].value) {
					t.Errorf("Get of entry %d: %v, %v", i, found, err)
				}
			}
			if forwards, backwards, err := scan(r, g%2 == 0); forwards != len(model) || backwards != len(model) || err != nil {
				t.Errorf("scanned %d and %d entries, %v", forwards, backwards, err)
			}
		})
	}
	wg.Wait()
}
