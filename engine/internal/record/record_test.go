package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

const testName = "000007.log"

func encode(records ...[]byte) []byte {
	var e Encoder
	var file []byte
	for _, r := range records {
		file = e.Append(file, r)
	}
	return file
}

// readAll returns the file's records, where the last one ended, and why there are no more.
func readAll(file []byte) (records [][]byte, end int64, err error) {
	r := NewReader(bytes.NewReader(file), int64(len(file)), testName)
	for {
		record, err := r.Next()
		if err != nil {
			return records, r.Offset(), err
		}
		records = append(records, bytes.Clone(record))
	}
}

// numbered returns a record of n bytes that names itself.
func numbered(i, n int) []byte {
	name := fmt.Appendf(nil, "%d.", i)
	return bytes.Repeat(name, n/len(name)+1)[:n]
}

func equalRecords(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func TestRecordsComeBackAsTheyWereAppended(t *testing.T) {
	const fits = blockSize - headerSize
	cases := []struct {
		name  string
		sizes []int
		bytes int // of the file
	}{
		{"no record", nil, 0},
		{"empty record", []int{0}, 7},
		{"small records", []int{3, 3, 0, 4}, 38},
		{"one fills its block", []int{fits}, blockSize},
		{"one byte more than a block", []int{fits + 1}, blockSize + 8},
		{"three blocks", []int{100_000}, 100_000 + 4*headerSize},
		{"7 bytes left: an empty first part", []int{fits - headerSize, 3}, blockSize + 10},
		{"7 bytes left: an empty record", []int{fits - headerSize, 0, 3}, blockSize + 10},
		{"6 bytes left: padding", []int{fits - 6, 3}, blockSize + 10},
		{"1 byte left: padding", []int{fits - 1, 3}, blockSize + 10},
		{"padding only when a record follows", []int{fits - 6}, blockSize - 6},
		{"medium, large, small", []int{50_000, 200_000, 5}, 250_005 + headerSize*(2+7+1)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var want [][]byte
			for i, n := range c.sizes {
				want = append(want, numbered(i, n))
			}
			file := encode(want...)
			if len(file) != c.bytes {
				t.Errorf("file of %d bytes, want %d", len(file), c.bytes)
			}
			got, end, err := readAll(file)
			if err != io.EOF {
				t.Fatal(err)
			}
			if !equalRecords(got, want) {
				t.Fatalf("got %d records, want %d; or their bytes differ", len(got), len(want))
			}
			if end != int64(len(file)) {
				t.Fatalf("last record ended at %d, file at %d", end, len(file))
			}
		})
	}
}

func TestRandomRecordsComeBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var want [][]byte
		for i := range rng.IntN(300) {
			want = append(want, numbered(i, rng.IntN(1<<rng.IntN(18))))
		}
		got, _, err := readAll(encode(want...))
		if err != io.EOF || !equalRecords(got, want) {
			t.Fatalf("%d records of %d came back; %v", len(got), len(want), err)
		}
	}
}

// chunk makes a chunk with the right checksum.
func chunk(kind byte, data string) []byte { return appendChunk(nil, kind, []byte(data)) }

// filler is a record that leaves so many bytes of its block.
func filler(left int) []byte { return encode(make([]byte, blockSize-headerSize-left)) }

func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// withLength is a chunk with another length in its header.
func withLength(chunk []byte, length int) []byte {
	chunk = bytes.Clone(chunk)
	binary.LittleEndian.PutUint16(chunk[4:], uint16(length))
	return chunk
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// The cases are LevelDB's own, and those in which this reader is stricter.
func TestReaderTellsCleanTornAndDamagedFilesApart(t *testing.T) {
	foo, bar := chunk(typeFull, "foo"), chunk(typeFull, "bar")
	zeros := func(n int) []byte { return make([]byte, n) }
	clean, torn := -1, -2
	// zeroed is a file of a small record and one of n bytes behind it, all zeros from cut on.
	zeroed := func(n, cut int) []byte {
		file := encode([]byte("foo"), numbered(1, n))
		clear(file[cut:])
		return file
	}
	cases := []struct {
		name    string
		file    []byte
		records int   // good ones before the end
		end     int64 // of the last
		why     int   // clean, torn, or the offset of the damage
	}{
		{"empty file", nil, 0, 0, clean},
		{"ends behind a record", foo, 1, 10, clean},
		{"ends behind a block's padding", join(filler(5), zeros(5)), 1, blockSize - 5, clean},

		{"cut in a header", join(foo, bar[:6]), 1, 10, torn},
		{"cut behind a header", join(foo, bar[:7]), 1, 10, torn},
		{"cut in the data", join(foo, bar[:9]), 1, 10, torn},
		{"cut in a block's padding", join(filler(5), zeros(3)), 1, blockSize - 5, torn},
		{"first without last", join(foo, chunk(typeFirst, "x")), 1, 10, torn},
		{"first and middle without last", join(foo, chunk(typeFirst, "x"), chunk(typeMiddle, "y")), 1, 10, torn},
		{"last is cut", join(foo, chunk(typeFirst, "x"), chunk(typeLast, "y")[:7]), 1, 10, torn},
		{"first fills its block, then nothing", encode(make([]byte, blockSize))[:blockSize], 0, 0, torn},
		{"zeros to the end", join(foo, zeros(1000)), 1, 10, torn},
		{"zeros to the end, fewer than a header", join(foo, zeros(4)), 1, 10, torn},
		{"zeros over several blocks", join(foo, zeros(3*blockSize)), 1, 10, torn},
		{"zeros from the beginning", zeros(5000), 0, 0, torn},
		{"zeros within a record", join(foo, chunk(typeFirst, "x"), zeros(99)), 1, 10, torn},

		{"zeros from a sector on", zeroed(2000, 1024), 1, 10, torn},
		{"zeros from a sector on, and behind the record", join(zeroed(2000, 1024), zeros(5000)), 1, 10, torn},
		{"zeros from a sector on, in the record's last byte", zeroed(1008, 1024), 1, 10, torn},
		{"zeros from a sector on, in a header", join(filler(blockSize-510), bar[:2], zeros(40)), 1, 510, torn},
		{"zeros from a sector on, in a record's first part", zeroed(100_000, 4096), 1, 10, torn},
		{"zeros from a sector on, in a middle part", zeroed(100_000, blockSize+8192), 1, 10, torn},
		{"zeros from a sector on, in the last part", zeroed(100_000, 3*blockSize+512), 1, 10, torn},
		{"a record that ends in zeros", encode([]byte("foo"), zeros(5000)), 2, 10 + 5007, clean},
		{"a record that ends in zeros, zeros behind", join(encode([]byte("foo"), zeros(5000)), zeros(5000)), 2, 10 + 5007, torn},

		{"zeros, but not from a sector on", zeroed(480, 490), 1, 10, 10},
		{"zeros from a sector on, then data", join(zeroed(2000, 1024), bar), 1, 10, 10},
		{"zeros from a sector on, then data in a later block", join(zeroed(2000, 1024), zeros(2*blockSize), bar), 1, 10, 10},
		{"zeros from a sector on in a middle part, then the next", func() []byte {
			file := encode([]byte("foo"), numbered(1, 100_000))
			clear(file[blockSize+512 : 2*blockSize])
			return file
		}(), 1, 10, blockSize},
		{"zeros from the record's end on, data is wrong", join(flipped(zeroed(1007, 1024), 100), zeros(5000)), 1, 10, 10},
		{"length reaches into zeros", join(foo, withLength(bar, 600), zeros(5000)), 1, 10, 10},
		{"length reaches behind zeros", join(foo, withLength(bar, 6000), zeros(5000)), 1, 10, 10},
		{"length reaches behind zeros and the end", join(foo, withLength(bar, 6000), zeros(1000)), 1, 10, 10},
		{"type became 0, zeros behind", join(foo, flipped(bar, 6), zeros(5000)), 1, 10, 10},
		{"unknown type, zeros from a sector on", join(foo, withLength(chunk(9, "xyz"), 600), zeros(5000)), 1, 10, 10},
		{"length crosses the block, zeros from a sector on", join(foo, withLength(bar, 40_000), zeros(5000)), 1, 10, 10},

		{"zeros before data", join(foo, zeros(20), bar), 1, 10, 10},
		{"zeros before data in a later block", join(foo, zeros(blockSize), bar), 1, 10, 10},
		{"type became 0", join(foo, flipped(bar, 6)), 1, 10, 10},
		{"unknown type", join(foo, chunk(5, "x"), bar), 1, 10, 10},
		{"unknown type, cut", join(foo, chunk(9, "xyz")[:8]), 1, 10, 10},
		{"checksum is wrong", join(foo, flipped(bar, 0), foo), 1, 10, 10},
		{"data is wrong", join(foo, flipped(bar, 8), foo), 1, 10, 10},
		{"data of the last record is wrong", join(foo, flipped(bar, 9)), 1, 10, 10},
		{"type is wrong", join(foo, flipped(chunk(typeFirst, "x"), 6)), 1, 10, 10},
		{"length is too small", join(foo, withLength(bar, 2), foo), 1, 10, 10},
		{"length crosses the block", join(foo, withLength(bar, blockSize-10-headerSize+1), foo), 1, 10, 10},
		{"length crosses the block at the end", join(filler(10), withLength(bar, 9)), 1, blockSize - 10, blockSize - 10},
		{"length crosses the block, data is wrong", join(foo, flipped(withLength(bar, 40_000), 8)), 1, 10, 10},
		{"length of the last record is too large", join(foo, withLength(bar, 4)), 1, 10, 10},
		{"length crosses the end, a record follows", join(foo, withLength(bar, 300), foo), 1, 10, 10},
		{"middle without first", join(foo, chunk(typeMiddle, "x"), bar), 1, 10, 10},
		{"middle without first at the end", join(foo, chunk(typeMiddle, "x")), 1, 10, 10},
		{"last without first", join(foo, chunk(typeLast, "x"), bar), 1, 10, 10},
		{"full within a record", join(foo, chunk(typeFirst, "x"), bar), 1, 10, 18},
		{"first within a record", join(foo, chunk(typeFirst, "x"), chunk(typeFirst, "y"), chunk(typeLast, "z")), 1, 10, 18},
		{"damage in a record's last part", join(foo, chunk(typeFirst, "x"), flipped(chunk(typeLast, "y"), 7)), 1, 10, 18},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			records, end, err := readAll(c.file)
			if len(records) != c.records || end != c.end {
				t.Errorf("%d records up to %d, want %d up to %d", len(records), end, c.records, c.end)
			}
			var corruption *base.CorruptionError
			switch {
			case c.why == clean && err != io.EOF, c.why == torn && !errors.Is(err, ErrTorn):
				t.Errorf("unexpected error: %v", err)
			case c.why >= 0 && !errors.As(err, &corruption):
				t.Errorf("unexpected error: %v, want a CorruptionError", err)
			case c.why >= 0 && (corruption.Offset != int64(c.why) || corruption.File != testName):
				t.Errorf("%v, want it at %d of %s", corruption, c.why, testName)
			}
		})
	}
}

// mixed is a file of records of many shapes, and where each ends.
func mixed() (file []byte, records [][]byte, ends []int64) {
	var e Encoder
	for i, n := range []int{0, 10, 300, blockSize - 340, 0, 3, 2 * blockSize, 1, 500} {
		records = append(records, numbered(i, n))
		file = e.Append(file, records[i])
		ends = append(ends, int64(len(file)))
	}
	return file, records, ends
}

func TestFileCutAnywhereIsTornOrCleanNeverDamaged(t *testing.T) {
	file, records, ends := mixed()
	for cut := range len(file) {
		if cut > 200 && cut < len(file)-600 && cut%61 != 0 {
			continue
		}
		got, end, err := readAll(file[:cut])
		whole, exact := slices.BinarySearch(ends, int64(cut))
		if exact {
			whole++
		}
		if !equalRecords(got, records[:whole]) {
			t.Fatalf("cut at %d: %d records, want %d", cut, len(got), whole)
		}
		if err != io.EOF && !errors.Is(err, ErrTorn) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if exact && err != io.EOF || end > int64(cut) {
			t.Fatalf("cut at %d, behind a record: end %d, %v", cut, end, err)
		}
	}
}

func TestFileOfZerosFromAnySectorOnIsTornNeverDamaged(t *testing.T) {
	file, records, ends := mixed()
	for cut := 0; cut < len(file); cut += sectorSize {
		whole, exact := slices.BinarySearch(ends, int64(cut))
		if exact {
			whole++
		}
		for _, size := range []int{cut + 1, cut + 100, len(file), len(file) + 3*blockSize} {
			found := make([]byte, size)
			copy(found, file[:cut])
			got, _, err := readAll(found)
			if !equalRecords(got, records[:whole]) {
				t.Fatalf("zeros from %d to %d: %d records, want %d", cut, size, len(got), whole)
			}
			if !errors.Is(err, ErrTorn) {
				t.Fatalf("zeros from %d to %d: %v", cut, size, err)
			}
		}
	}
}

func TestNoFlippedBitIsSkippedInSilence(t *testing.T) {
	file, records, ends := mixed()
	rng := rand.New(rand.NewPCG(3, 4))
	size := len(file)
	file = append(file, make([]byte, blockSize)...) // room that was reserved
	for i := range size {
		if i > 500 && i < size-600 && i%61 != 0 {
			continue
		}
		bit := byte(1) << rng.IntN(8)
		file[i] ^= bit
		hit, _ := slices.BinarySearch(ends, int64(i+1))
		for _, found := range [][]byte{file[:size], file} {
			got, _, err := readAll(found)
			if len(got) > len(records) || !equalRecords(got, records[:len(got)]) {
				t.Fatalf("byte %d flipped: a record that was never written", i)
			}
			var corruption *base.CorruptionError
			if !errors.As(err, &corruption) || len(got) != hit {
				t.Fatalf("byte %d of record %d flipped: %d records, then %v", i, hit, len(got), err)
			}
		}
		file[i] ^= bit
	}
}

func TestErrorsOfTheReaderStick(t *testing.T) {
	file := join(chunk(typeFull, "foo"), chunk(typeLast, "x"), chunk(typeFull, "bar"))
	r := NewReader(bytes.NewReader(file), int64(len(file)), testName)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	_, first := r.Next()
	if _, second := r.Next(); first == nil || second != first {
		t.Fatalf("first %v, then %v", first, second)
	}
}

type failingFile struct{ err error }

func (f failingFile) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestFailedReadIsReportedWithFileAndOffset(t *testing.T) {
	broken := errors.New("broken medium")
	for _, c := range []struct{ failure, want error }{{broken, broken}, {io.EOF, io.ErrUnexpectedEOF}} {
		_, err := NewReader(failingFile{c.failure}, 100, testName).Next()
		if !errors.Is(err, c.want) || errors.Is(err, ErrTorn) {
			t.Fatalf("%v, want %v", err, c.want)
		}
		if want := "read 000007.log at 0: "; !bytes.HasPrefix([]byte(err.Error()), []byte(want)) {
			t.Fatalf("%q does not begin with %q", err, want)
		}
	}
}

func TestAppendToLargeEnoughBufferAllocatesNothing(t *testing.T) {
	var e Encoder
	dst := make([]byte, 0, 3*blockSize)
	record := make([]byte, blockSize+100)
	if allocs := testing.AllocsPerRun(50, func() { e.Append(dst, record) }); allocs != 0 {
		t.Fatalf("Append allocates %v times", allocs)
	}
}

func FuzzReader(f *testing.F) {
	file, _, _ := mixed()
	f.Add(file[:400])
	f.Add(encode([]byte("foo"), nil, []byte("bar")))
	f.Add(join(chunk(typeFirst, "a"), chunk(typeMiddle, "b"), chunk(typeLast, "c")))
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, file []byte) {
		records, end, err := readAll(file)
		if err == nil || end > int64(len(file)) {
			t.Fatalf("end %d of %d, %v", end, len(file), err)
		}
		total := 0
		for _, r := range records {
			total += headerSize + len(r)
		}
		if total > len(file) {
			t.Fatalf("%d bytes of records in a file of %d", total, len(file))
		}
		again, _, _ := readAll(encode(records...))
		if !equalRecords(again, records) {
			t.Fatal("the records don't come back when they are encoded again")
		}
	})
}

func FuzzEncoder(f *testing.F) {
	f.Add([]byte("foo"), uint32(blockSize-headerSize-3))
	f.Fuzz(func(t *testing.T, record []byte, before uint32) {
		want := [][]byte{make([]byte, before%(3*blockSize)), record}
		got, _, err := readAll(encode(want...))
		if err != io.EOF || !equalRecords(got, want) {
			t.Fatalf("%d records; %v", len(got), err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{150, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var e Encoder
			record := make([]byte, size)
			var dst []byte
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				dst = e.Append(dst[:0], record)
			}
		})
	}
}

func BenchmarkReplay(b *testing.B) {
	for _, size := range []int{150, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var e Encoder
			var file []byte
			for len(file) < 1<<20 {
				file = e.Append(file, make([]byte, size))
			}
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(bytes.NewReader(file), int64(len(file)), testName)
				for {
					if _, err := r.Next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
