package dump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/engine/internal/sstable"
)

// memoryFile is a file in memory.
type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

func dumpBytes(t testing.TB, name string, content []byte, o Options) (text string, damaged int) {
	t.Helper()
	var out strings.Builder
	damaged, err := File(&out, memoryFile{bytes.NewReader(content)}, "some/directory/"+name, o)
	if err != nil {
		t.Fatalf("dump %s: %v", name, err)
	}
	return out.String(), damaged
}

// expect compares a dump without its first line, which gives the size.
func expect(t *testing.T, name string, content []byte, o Options, want string, damaged int) {
	t.Helper()
	text, n := dumpBytes(t, name, content, o)
	_, got, _ := strings.Cut(text, "\n")
	if want = strings.TrimPrefix(want, "\n"); got != want || n != damaged {
		t.Errorf("%s: %d damaged places, want %d; got:\n%swant:\n%s", name, n, damaged, got, want)
	}
}

func TestLogShowsEveryEntry(t *testing.T) {
	content := logOf(
		batchOf(7, put("a", "one"), del("b")),
		batchOf(9, put("\x00key", "")),
	)
	expect(t, "000001.log", content, Options{}, `
0: batch of 22 bytes, sequence numbers 7 to 8
  7 put "a" 3 bytes
  8 del "b"
29: batch of 19 bytes, sequence numbers 9 to 9
  9 put "\x00key" 0 bytes
batches: 2, puts: 2, deletes: 1
`, 0)
	expect(t, "000001.log", logOf(batchOf(1, put("a", "one\n"))), Options{Values: true}, `
0: batch of 20 bytes, sequence numbers 1 to 1
  1 put "a" "one\n"
batches: 1, puts: 1, deletes: 0
`, 0)
	expect(t, "000001.log", nil, Options{}, "batches: 0, puts: 0, deletes: 0\n", 0)
}

func TestLogGoesOnBehindDamage(t *testing.T) {
	big := strings.Repeat("x", 40_000) // more than a block
	whole := logOf(batchOf(1, put("a", "1")), batchOf(2, put("b", "2")), batchOf(3, put("big", big)), batchOf(4, put("z", "4")))
	const second, third = 24, 48
	for _, c := range []struct {
		name    string
		change  func(content []byte) []byte
		want    string
		damaged int
	}{
		{"in a record", func(p []byte) []byte { p[second+10] ^= 1; return p }, `
0: batch of 17 bytes, sequence numbers 1 to 1
  1 put "a" 1 bytes
24: damaged: checksum mismatch, 24 bytes are lost
48: batch of 40020 bytes, sequence numbers 3 to 3
  3 put "big" 40000 bytes
40082: batch of 17 bytes, sequence numbers 4 to 4
  4 put "z" 1 bytes
batches: 3, puts: 3, deletes: 0
`, 1},
		{"in a length, which the checksum tells", func(p []byte) []byte { p[second+4] ^= 1; return p }, `
0: batch of 17 bytes, sequence numbers 1 to 1
  1 put "a" 1 bytes
24: damaged: chunk of 17 bytes says it has 16
24: batch of 17 bytes, sequence numbers 2 to 2
  2 put "b" 1 bytes
48: batch of 40020 bytes, sequence numbers 3 to 3
  3 put "big" 40000 bytes
40082: batch of 17 bytes, sequence numbers 4 to 4
  4 put "z" 1 bytes
batches: 4, puts: 4, deletes: 0
`, 1},
		{"in the second part of a record", func(p []byte) []byte { p[record32K+100] ^= 1; return p }, `
0: batch of 17 bytes, sequence numbers 1 to 1
  1 put "a" 1 bytes
24: batch of 17 bytes, sequence numbers 2 to 2
  2 put "b" 1 bytes
48: damaged: checksum mismatch, 40034 bytes are lost
40082: batch of 17 bytes, sequence numbers 4 to 4
  4 put "z" 1 bytes
batches: 3, puts: 3, deletes: 0
`, 1},
		{"twice", func(p []byte) []byte { p[second+10] ^= 1; p[record32K+100] ^= 1; return p }, `
0: batch of 17 bytes, sequence numbers 1 to 1
  1 put "a" 1 bytes
24: damaged: checksum mismatch, 40058 bytes are lost
40082: batch of 17 bytes, sequence numbers 4 to 4
  4 put "z" 1 bytes
batches: 2, puts: 2, deletes: 0
`, 1},
		{"zeros in the middle", func(p []byte) []byte { clear(p[third:record32K]); return p }, `
0: batch of 17 bytes, sequence numbers 1 to 1
  1 put "a" 1 bytes
24: batch of 17 bytes, sequence numbers 2 to 2
  2 put "b" 1 bytes
48: damaged: zeros, though records follow, 40034 bytes are lost
40082: batch of 17 bytes, sequence numbers 4 to 4
  4 put "z" 1 bytes
batches: 3, puts: 3, deletes: 0
`, 1},
		{"an end cut off, which is no damage", func(p []byte) []byte { return p[:5000] }, `
0: batch of 17 bytes, sequence numbers 1 to 1
  1 put "a" 1 bytes
24: batch of 17 bytes, sequence numbers 2 to 2
  2 put "b" 1 bytes
48: cut off: the file ends within a record, as a crash leaves it
batches: 2, puts: 2, deletes: 0
`, 0},
		{"damage and an end cut off", func(p []byte) []byte { p[second+10] ^= 1; return p[:40_090] }, `
0: batch of 17 bytes, sequence numbers 1 to 1
  1 put "a" 1 bytes
24: damaged: checksum mismatch, 24 bytes are lost
48: batch of 40020 bytes, sequence numbers 3 to 3
  3 put "big" 40000 bytes
40082: cut off: the file ends within a record, as a crash leaves it
batches: 2, puts: 2, deletes: 0
`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			expect(t, "000001.log", c.change(bytes.Clone(whole)), Options{}, c.want, c.damaged)
		})
	}
}

// TestWalkBehindDamageMeetsMore damages the first record of a log, and then what follows.
func TestWalkBehindDamageMeetsMore(t *testing.T) {
	first, last := batchOf(1, put("a", "1")), batchOf(4, put("z", "4"))
	long := batchOf(3, put("long", strings.Repeat("x", 100_000)))
	inParts := logOf(first, long, last) // in blocks 0 to 3
	filled := logOf(first, batchOf(2, put("fill", strings.Repeat("x", record32K-52))))
	lost := func(n int) string { return fmt.Sprintf("0: damaged: checksum mismatch, %d bytes are lost\n", n) }
	const filler = "24: batch of 32737 bytes, sequence numbers 2 to 2\n  2 put \"fill\" 32716 bytes\n"
	lastAt := func(offset int) string {
		return fmt.Sprintf("%d: batch of 17 bytes, sequence numbers 4 to 4\n  4 put \"z\" 1 bytes\n", offset)
	}
	for _, c := range []struct {
		name    string
		content []byte
		want    string
		damaged int
	}{
		{"the next chunk, so that the block is given up", func() []byte { p := bytes.Clone(inParts); p[30] ^= 1; return p }(),
			lost(100_073) + lastAt(100_073) + "batches: 1, puts: 1, deletes: 0\n", 1},
		{"a middle part of a record", func() []byte { p := bytes.Clone(inParts); p[record32K+100] ^= 1; return p }(),
			lost(100_073) + lastAt(100_073) + "batches: 1, puts: 1, deletes: 0\n", 1},
		{"parts without the first", append(bytes.Clone(filled), inParts[record32K:]...),
			lost(24) + filler + "32768: damaged: part of a record without its beginning, 67305 bytes are lost\n" + lastAt(100_073) + "batches: 2, puts: 2, deletes: 0\n", 2},
		{"a first part without the others", append(bytes.Clone(inParts[:record32K]), logOf(last)...),
			lost(record32K) + lastAt(record32K) + "batches: 1, puts: 1, deletes: 0\n", 1},
		{"a first part at the end", bytes.Clone(inParts[:record32K]),
			lost(record32K) + "batches: 0, puts: 0, deletes: 0\n", 1},
		{"zeros at the end", append(bytes.Clone(filled), make([]byte, 100)...),
			lost(24) + filler + "32768: cut off: the file ends within a record, as a crash leaves it\nbatches: 1, puts: 1, deletes: 0\n", 1},
		{"zeros before records", append(append(bytes.Clone(filled), make([]byte, record32K)...), logOf(last)...),
			lost(24) + filler + "32768: damaged: zeros, though records follow, 32768 bytes are lost\n" + lastAt(2*record32K) + "batches: 2, puts: 2, deletes: 0\n", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.content[10] ^= 1
			expect(t, "000001.log", c.content, Options{}, c.want, c.damaged)
		})
	}
}

func TestOffsetOfRecordSkipsTheEndOfABlock(t *testing.T) {
	content := logOf(batchOf(1, put("fill", strings.Repeat("x", record32K-34))), batchOf(2, del("b")))
	expect(t, "000001.log", content, Options{}, `
0: batch of 32755 bytes, sequence numbers 1 to 1
  1 put "fill" 32734 bytes
32768: batch of 15 bytes, sequence numbers 2 to 2
  2 del "b"
batches: 2, puts: 1, deletes: 1
`, 0)
}

func TestBatchThatIsNotWellFormedIsDamage(t *testing.T) {
	good := batchOf(1, put("a", "1"), put("b", "2"))
	expect(t, "000001.log", logOf(good[:len(good)-1], []byte("short"), append(good, 'x'), batchOf(3, del("c"))), Options{}, `
0: batch of 21 bytes, sequence numbers 1 to 2
  1 put "a" 1 bytes
0: damaged: entry 2 of 2 in the batch: value: its length is wrong
28: damaged: a record of 5 bytes is no batch
40: batch of 23 bytes, sequence numbers 1 to 2
  1 put "a" 1 bytes
  2 put "b" 1 bytes
40: damaged: 1 bytes stand behind the batch's last entry
70: batch of 15 bytes, sequence numbers 3 to 3
  3 del "c"
batches: 3, puts: 3, deletes: 1
`, 3)
}

func TestManifestShowsEveryEdit(t *testing.T) {
	num, seq := base.FileNum(5), base.Seq(17)
	first := &manifest.Edit{Comparer: "leveldb.BytewiseComparator", LogNum: &num, NextFileNum: &num}
	second := &manifest.Edit{LastSeq: &seq, Deleted: []manifest.DeletedTable{{Level: 1, Num: 4}}}
	content := logOf(first.Append(nil), []byte{99}, second.Append(nil))
	expect(t, "MANIFEST-000002", content, Options{}, `
0: version edit, 32 bytes
  comparator "leveldb.BytewiseComparator"
  log number 5
  next file number 5
39: damaged: version edit, tag at byte 0: 99 is unknown
47: version edit, 5 bytes
  last sequence 17
  delete level 1 000004
version edits: 2
`, 1)
}

func TestCurrentNamesItsManifest(t *testing.T) {
	expect(t, "CURRENT", []byte("MANIFEST-000002\n"), Options{}, "0: the manifest is MANIFEST-000002\n", 0)
	for _, bad := range []string{"", "MANIFEST-000002", "MANIFEST-x\n", "000002.log\n", strings.Repeat("MANIFEST-", 100)} {
		if text, n := dumpBytes(t, "CURRENT", []byte(bad), Options{}); n != 1 || !strings.Contains(text, "0: damaged: ") {
			t.Errorf("%q: %d damaged places:\n%s", bad, n, text)
		}
	}
}

func TestTableShowsBlocksAndEntries(t *testing.T) {
	content := smallTable(t)
	expect(t, "000005.ldb", content, Options{}, `
271: footer: metaindex at 183, 34 bytes; index at 222, 44 bytes
183: metaindex, 34 bytes, uncompressed
160: "filter.varve.BloomV3", 18 bytes, uncompressed
222: index, 44 bytes, uncompressed
0: block 1, 47 bytes, Snappy of 126, up to "apple"@2,put
52: block 2, 103 bytes, uncompressed, up to "d"@max
entries: 4, of them deletes: 1
keys: "apple"@9,put to "cherry"@7,delete
sequence numbers: 2 to 9
data blocks: 2, 150 bytes, uncompressed 229
`, 0)
	text, _ := dumpBytes(t, "000005.sst", content, Options{Entries: true})
	wantBlock := `0: block 1, 47 bytes, Snappy of 126, up to "apple"@2,put
  "apple"@9,put 90 bytes
  "apple"@2,put 2 bytes
52: block 2, 103 bytes, uncompressed, up to "d"@max
  "banana"@5,put 61 bytes
  "cherry"@7,delete
`
	if !strings.Contains(text, wantBlock) {
		t.Errorf("with entries:\n%s", text)
	}
	if text, _ = dumpBytes(t, "000005.ldb", content, Options{Values: true}); !strings.Contains(text, "\n  \"apple\"@2,put \"v2\"\n") {
		t.Errorf("with values:\n%s", text)
	}
}

func TestDamagedTableShowsTheRest(t *testing.T) {
	for _, c := range []struct {
		name    string
		at      int // the byte that is changed
		want    []string
		entries int
		damaged int
	}{
		{"first block", 20, []string{`0: damaged: block 1, up to "apple"@2,put: checksum mismatch`, "52: block 2, "}, 2, 1},
		{"second block", 70, []string{"0: block 1, ", `52: damaged: block 2, up to "d"@max: checksum mismatch`}, 2, 1},
		{"filter", 163, []string{`160: damaged: "filter.varve.BloomV3": checksum mismatch`, "52: block 2, "}, 4, 1},
		{"metaindex", 190, []string{"183: damaged: metaindex: checksum mismatch", "52: block 2, "}, 4, 1},
		{"index", 230, []string{"222: damaged: index: checksum mismatch", "without an index"}, 4, 1},
		{"magic number", 315, []string{"271: damaged: footer: not a table: the magic number is missing", "without an index"}, 4, 1},
		{"footer", 272, []string{"271: damaged: footer: ", "without an index"}, 4, 1},
	} {
		content := smallTable(t)
		content[c.at] ^= 0x40
		text, n := dumpBytes(t, "000005.ldb.damaged", content, Options{})
		for _, want := range append(c.want, fmt.Sprintf("entries: %d, ", c.entries)) {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in:\n%s", c.name, want, text)
			}
		}
		if n != c.damaged {
			t.Errorf("%s: %d damaged places, want %d", c.name, n, c.damaged)
		}
	}
}

func TestTableWithoutIndexLosesDamagedBlockOnly(t *testing.T) {
	content := smallTable(t)
	content[20] ^= 1
	content[230] ^= 1
	text, n := dumpBytes(t, "000005.ldb", content, Options{Entries: true})
	if n != 2 || !strings.Contains(text, "0: damaged: no entries can be read up to 52: ") || !strings.Contains(text, "\n  \"cherry\"@7,delete\n") {
		t.Errorf("%d damaged places:\n%s", n, text)
	}
}

func TestOverlappingBlocksAreDamage(t *testing.T) {
	data := blockOf(dataEntry("a"), dataEntry("b"))
	table := tableOf(data, indexEntry("b", 0, data), indexEntry("c", 0, data), indexEntry("d", 0, data))
	text, n := dumpBytes(t, "000005.ldb", table, Options{})
	if n == 0 || !strings.Contains(text, "blocks overlap") || !strings.Contains(text, "entries: 2, ") {
		t.Errorf("%d damaged places:\n%s", n, text)
	}
}

func TestKeysOutOfOrderAreDamage(t *testing.T) {
	data := blockOf(dataEntry("a"), dataEntry("c"), dataEntry("b"))
	text, n := dumpBytes(t, "000005.ldb", tableOf(data, indexEntry("c", 0, data)), Options{})
	if n != 1 || !strings.Contains(text, `0: damaged: block 1: entry at 26 of the block: "b"@1,put does not follow "c"@1,put`) {
		t.Errorf("%d damaged places:\n%s", n, text)
	}
}

// The table format, as package sstable describes it.
const (
	blockTrailerLen  = 5
	footerHandlesLen = 40
	footerMagic      = 0xdb4775248b80fb57
)

// tableOf is a table of one data block, an empty metaindex and an index of those entries.
func tableOf(data []byte, index ...[]byte) []byte {
	footer := binary.AppendUvarint(nil, uint64(len(data)))
	table := append(bytes.Clone(data), blockOf()...)
	footer = binary.AppendUvarint(footer, uint64(len(table)-len(data)-blockTrailerLen))
	footer = binary.AppendUvarint(footer, uint64(len(table)))
	footer = binary.AppendUvarint(footer, uint64(len(blockOf(index...))-blockTrailerLen))
	table = append(table, blockOf(index...)...)
	table = append(table, append(footer, make([]byte, footerHandlesLen-len(footer))...)...)
	return binary.LittleEndian.AppendUint64(table, footerMagic)
}

// blockOf is a stored block of those entries, each whole.
func blockOf(entries ...[]byte) []byte {
	block := bytes.Join(entries, nil)
	block = binary.LittleEndian.AppendUint32(block, 0)
	block = binary.LittleEndian.AppendUint32(block, 1)
	sum := base.Checksum(block, 0)
	return binary.LittleEndian.AppendUint32(append(block, 0), sum)
}

// indexEntry names the stored block at offset.
func indexEntry(key string, offset uint64, block []byte) []byte {
	h := binary.AppendUvarint(nil, offset)
	return blockEntry(key, binary.AppendUvarint(h, uint64(len(block)-blockTrailerLen)))
}

func dataEntry(key string) []byte { return blockEntry(key, []byte("v")) }

func blockEntry(key string, value []byte) []byte {
	internal := base.AppendInternalKey(nil, []byte(key), 1, base.KindPut)
	e := []byte{0, byte(len(internal)), byte(len(value))}
	return append(append(e, internal...), value...)
}

func TestKindIsKnownByContent(t *testing.T) {
	edit := &manifest.Edit{Comparer: "leveldb.BytewiseComparator"}
	for kind, content := range map[string][]byte{
		"table":    smallTable(t),
		"log":      logOf(batchOf(1, put("a", "1"))),
		"manifest": logOf(edit.Append(nil)),
		"pointer":  []byte("MANIFEST-000007\n"),
	} {
		for _, name := range []string{"copy", "000001.dbtmp", "table.bak"} {
			if text, n := dumpBytes(t, name, content, Options{}); n != 0 || !strings.HasPrefix(text, kind+" "+name+", ") {
				t.Errorf("%s called %s: %d damaged places:\n%s", kind, name, n, text)
			}
		}
	}
	for name, content := range map[string]string{"letter.txt": "Dear Sir or Madam", "LOCK": "", "LOG": "2026/01/01 hello", "empty": ""} {
		_, err := File(io.Discard, memoryFile{bytes.NewReader([]byte(content))}, name, Options{})
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFailureToPrintIsReturned(t *testing.T) {
	full := errors.New("full")
	_, err := File(failingWriter{full}, memoryFile{bytes.NewReader(smallTable(t))}, "000001.ldb", Options{})
	if !errors.Is(err, full) {
		t.Errorf("dump to a full disk: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestFileThatIsShorterThanItSaysIsReported(t *testing.T) {
	for _, name := range []string{"000001.ldb", "000001.log", "MANIFEST-000001", "CURRENT", "other"} {
		damaged, err := File(io.Discard, shrunk{memoryFile{bytes.NewReader(nil)}}, name, Options{})
		if damaged == 0 && err == nil {
			t.Errorf("%s: neither damage nor an error", name)
		}
	}
}

// shrunk is a file that has lost its bytes since it was opened.
type shrunk struct{ memoryFile }

func (shrunk) Size() int64 { return 1000 }

func FuzzDump(f *testing.F) {
	edit := &manifest.Edit{Comparer: "leveldb.BytewiseComparator"}
	f.Add(uint8(0), smallTable(f))
	f.Add(uint8(1), logOf(batchOf(1, put("a", "1"), del("b")), batchOf(3, put("c", ""))))
	f.Add(uint8(2), logOf(edit.Append(nil)))
	f.Add(uint8(3), []byte("MANIFEST-000001\n"))
	names := []string{"000001.ldb", "000001.log", "MANIFEST-000001", "CURRENT", "unknown"}
	f.Fuzz(func(t *testing.T, name uint8, content []byte) {
		_, err := File(io.Discard, memoryFile{bytes.NewReader(content)}, names[int(name)%len(names)], Options{Entries: true, Values: true})
		if err != nil && !errors.Is(err, ErrUnknown) {
			t.Fatal(err)
		}
	})
}

const record32K = 32 << 10

// logOf is a log or manifest of those records.
func logOf(records ...[]byte) (content []byte) {
	var e record.Encoder
	for _, r := range records {
		content = e.Append(content, r)
	}
	return content
}

func batchOf(first uint64, entries ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, first)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entries)))
	return append(b, bytes.Join(entries, nil)...)
}

func put(key, value string) []byte {
	e := append([]byte{1}, withLength(key)...)
	return append(e, withLength(value)...)
}

func del(key string) []byte { return append([]byte{0}, withLength(key)...) }

func withLength(s string) []byte { return append(binary.AppendUvarint(nil, uint64(len(s))), s...) }

// smallTable is a table of two blocks, of which the first is compressed.
func smallTable(t testing.TB) []byte {
	var out bytes.Buffer
	w := sstable.NewWriter(&out, sstable.WriterOptions{BlockSize: 120, FilterBitsPerKey: 10})
	for _, e := range []struct {
		key   string
		seq   base.Seq
		kind  base.Kind
		value string
	}{
		{"apple", 9, base.KindPut, strings.Repeat("half", 22) + "ab"},
		{"apple", 2, base.KindPut, "v2"},
		{"banana", 5, base.KindPut, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345678"},
		{"cherry", 7, base.KindDelete, ""},
	} {
		if err := w.Add(base.AppendInternalKey(nil, []byte(e.key), e.seq, e.kind), []byte(e.value)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
