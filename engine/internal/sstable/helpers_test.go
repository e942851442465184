package sstable

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
)

// memFile is a table file in memory that counts its reads.
type memFile struct {
	*bytes.Reader
	reads  atomic.Int64
	closed bool
}

func newMemFile(data []byte) *memFile { return &memFile{Reader: bytes.NewReader(data)} }

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.reads.Add(1)
	return f.Reader.ReadAt(p, off)
}

func (f *memFile) Close() error {
	f.closed = true
	return nil
}

// kv is an entry of a model table, which is a slice of them in the order of their keys.
type kv struct{ key, value []byte }

func internalKey(user string, seq base.Seq, kind base.Kind) []byte {
	return base.AppendInternalKey(nil, []byte(user), seq, kind)
}

func compareKV(a, b kv) int { return base.Compare(a.key, b.key) }

// randomModel returns up to n entries: keys that share prefixes, some with several versions,
// some long, some of bytes 0xff; values of all sizes around the block size.
func randomModel(rng *rand.Rand, n int) []kv {
	alphabets := []string{"ab", "\xff\xfe", "0123456789", "\x00\x01\xff"}
	alphabet := alphabets[rng.IntN(len(alphabets))]
	maxKey, maxValue := 1+rng.IntN(24), 1+rng.IntN(200)
	var model []kv
	for range n {
		user := make([]byte, 1+rng.IntN(maxKey))
		for i := range user {
			user[i] = alphabet[rng.IntN(len(alphabet))]
		}
		if rng.IntN(50) == 0 {
			user = append(user, bytes.Repeat([]byte{alphabet[0]}, rng.IntN(1000))...)
		}
		kind := base.Kind(rng.IntN(5) / 4)
		key := base.AppendInternalKey(nil, user, base.Seq(rng.IntN(1000)), base.KindPut-kind)
		model = append(model, kv{key, randomValue(rng, maxValue)})
	}
	slices.SortFunc(model, compareKV)
	return slices.CompactFunc(model, func(a, b kv) bool { return compareKV(a, b) == 0 })
}

func randomValue(rng *rand.Rand, maxLen int) []byte {
	n := rng.IntN(maxLen)
	if rng.IntN(100) == 0 {
		n *= 100
	}
	value := make([]byte, n)
	for i := range value {
		value[i] = byte('a' + rng.IntN(4))
	}
	return value
}

func randomWriterOptions(rng *rand.Rand) WriterOptions {
	return WriterOptions{
		BlockSize:        64 << rng.IntN(11),
		RestartInterval:  1 + rng.IntN(32),
		FilterBitsPerKey: rng.IntN(3) * 8,
		NoCompression:    rng.IntN(2) == 0,
	}
}

// numberedModel returns n entries of 16-byte keys and half-random values of 100 bytes.
func numberedModel(n int) []kv {
	rng := rand.New(rand.NewPCG(1, 2))
	model := make([]kv, n)
	for i := range model {
		value := make([]byte, 100)
		for j := range 50 {
			value[j] = byte(rng.Uint32())
		}
		model[i] = kv{internalKey(fmt.Sprintf("%016d", 2*i), base.Seq(i), base.KindPut), value}
	}
	return model
}

func writeTable(t testing.TB, model []kv, options WriterOptions) []byte {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, options)
	for _, e := range model {
		if err := w.Add(e.key, e.value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func openTable(t testing.TB, data []byte) *Reader {
	t.Helper()
	r, err := NewReader(newMemFile(data), ReaderOptions{Num: 7, Name: "000007.ldb", Blocks: cache.New(64 << 20)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantGet returns what Get must find in the model.
func wantGet(model []kv, key []byte) (e kv, found bool) {
	i, _ := slices.BinarySearchFunc(model, kv{key: key}, compareKV)
	if i == len(model) || !bytes.Equal(base.UserKey(model[i].key), base.UserKey(key)) {
		return kv{}, false
	}
	return model[i], true
}

func checkGet(t testing.TB, r *Reader, model []kv, key []byte) {
	t.Helper()
	value, kind, found, err := r.Get(key, Wait)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	want, wantFound := wantGet(model, key)
	if found != wantFound {
		t.Fatalf("Get(%q) found %v, want %v", key, found, wantFound)
	}
	if found && (kind != base.TrailerOf(want.key).Kind() || !bytes.Equal(value, want.value)) {
		t.Fatalf("Get(%q) = kind %d, %q, want that of %q, %q", key, kind, value, want.key, want.value)
	}
}

// checkFinder gets keys in ascending order from one Finder.
func checkFinder(t testing.TB, r *Reader, model []kv, keys [][]byte) {
	t.Helper()
	slices.SortFunc(keys, base.Compare)
	var f Finder
	f.Reset(r)
	for _, key := range keys {
		value, kind, found, err := f.Get(key, Wait)
		want, wantFound := wantGet(model, key)
		if err != nil || found != wantFound || found && (kind != base.TrailerOf(want.key).Kind() || !bytes.Equal(value, want.value)) {
			t.Fatalf("Finder.Get(%q) = %q, kind %d, %v, %v; want %q of %q, %v", key, value, kind, found, err, want.value, want.key, wantFound)
		}
	}
}

// modelIterator is the specification of Iterator: a place in the model.
type modelIterator struct {
	model []kv
	at    int
}

// move makes one random move on the model and on it, and checks that they agree.
func (m *modelIterator) move(t testing.TB, rng *rand.Rand, it base.Iterator, key []byte) {
	t.Helper()
	var got bool
	var name string
	valid := m.at >= 0 && m.at < len(m.model)
	find := func() int {
		i, _ := slices.BinarySearchFunc(m.model, kv{key: key}, compareKV)
		return i
	}
	switch op := rng.IntN(20); {
	case op == 0:
		name, got, m.at = "First", it.First(), 0
	case op == 1:
		name, got, m.at = "Last", it.Last(), len(m.model)-1
	case op < 4 || !valid && op%2 == 0:
		name, got, m.at = "SeekGE", it.SeekGE(key), find()
	case op < 6 || !valid:
		name, got, m.at = "SeekLT", it.SeekLT(key), find()-1
	case op < 13:
		name, got, m.at = "Next", it.Next(), m.at+1
	default:
		name, got, m.at = "Prev", it.Prev(), m.at-1
	}
	m.check(t, it, got, name, key)
}

func (m *modelIterator) check(t testing.TB, it base.Iterator, got bool, name string, key []byte) {
	t.Helper()
	want := m.at >= 0 && m.at < len(m.model)
	if it.Error() != nil {
		t.Fatalf("%s: %v", name, it.Error())
	}
	if got != want || it.Valid() != want {
		t.Fatalf("%s (key %q) = %v, Valid %v, want %v", name, key, got, it.Valid(), want)
	}
	if want && !bytes.Equal(it.Key(), m.model[m.at].key) {
		t.Fatalf("%s (key %q) stands on %q, want %q", name, key, it.Key(), m.model[m.at].key)
	}
	if want && !bytes.Equal(it.Value(), m.model[m.at].value) {
		t.Fatalf("%s (key %q) has value %q, want %q", name, key, it.Value(), m.model[m.at].value)
	}
}

// probe returns a search key at, or close to, one of the model's, or anywhere.
func probe(rng *rand.Rand, model []kv) []byte {
	if len(model) == 0 || rng.IntN(20) == 0 {
		return internalKey(fmt.Sprint(rng.Uint32()), base.MaxSeq, base.KindSeek)
	}
	user := bytes.Clone(base.UserKey(model[rng.IntN(len(model))].key))
	switch rng.IntN(6) {
	case 0:
		user = append(user, byte(rng.Uint32()))
	case 1:
		user[len(user)-1] += byte(rng.IntN(3)) - 1
	case 2:
		user = user[:max(1, len(user)-1)]
	}
	return base.AppendInternalKey(nil, user, base.Seq(rng.IntN(1001)), base.KindSeek)
}

// isCorruption reports whether err says that this package's test table is corrupt.
func isCorruption(err error) bool {
	var corruption *base.CorruptionError
	return errors.As(err, &corruption) && corruption.File == "000007.ldb"
}

// scan returns the number of entries of a table, read forwards and backwards.
func scan(r *Reader, fill bool) (forwards, backwards int, err error) {
	it := r.NewIterator(fill)
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		forwards++
	}
	if it.Error() != nil {
		return forwards, 0, it.Error()
	}
	for ok := it.Last(); ok; ok = it.Prev() {
		backwards++
	}
	return forwards, backwards, it.Error()
}
