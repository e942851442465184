package base

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
)

func internalKey(user string, seq Seq, kind Kind) []byte {
	return AppendInternalKey(nil, []byte(user), seq, kind)
}

func TestInternalKeyHasTheLayoutOfLevelDB(t *testing.T) {
	got := internalKey("key", 0x0102030405060708>>8, KindPut)
	want := []byte{'k', 'e', 'y', 1, 7, 6, 5, 4, 3, 2, 1}
	if !bytes.Equal(got, want) {
		t.Fatalf("%x, want %x", got, want)
	}
}

func TestInternalKeyGivesBackItsParts(t *testing.T) {
	for _, user := range []string{"", "a", "key", "\x00\xff"} {
		for _, seq := range []Seq{0, 1, 255, 256, MaxSeq} {
			for _, kind := range []Kind{KindDelete, KindPut} {
				key := internalKey(user, seq, kind)
				trailer := TrailerOf(key)
				if string(UserKey(key)) != user || trailer.Seq() != seq || trailer.Kind() != kind {
					t.Errorf("%q@%d,%d became %q@%d,%d", user, seq, kind, UserKey(key), trailer.Seq(), trailer.Kind())
				}
				if !ValidInternalKey(key) {
					t.Errorf("%x is said to be invalid", key)
				}
			}
		}
	}
}

func TestAppendToUserKeyLeavesTheTrailer(t *testing.T) {
	key := internalKey("key", 5, KindPut)
	_ = append(UserKey(key), "overwritten"...)
	if TrailerOf(key).Seq() != 5 {
		t.Fatal("appending to the user key overwrote the trailer")
	}
}

func TestInvalidInternalKeysAreTold(t *testing.T) {
	for _, key := range [][]byte{nil, make([]byte, TrailerLen-1), internalKey("key", 1, 2), internalKey("", 1, 255)} {
		if ValidInternalKey(key) {
			t.Errorf("%x is said to be valid", key)
		}
	}
}

func TestCompareOrdersByUserKeyThenNewestFirst(t *testing.T) {
	ordered := [][]byte{
		internalKey("", 9, KindPut),
		internalKey("a", MaxSeq, KindSeek),
		internalKey("a", 256, KindPut),
		internalKey("a", 255, KindPut),
		internalKey("a", 255, KindDelete),
		internalKey("a", 0, KindPut),
		internalKey("a", 0, KindDelete),
		internalKey("a\x00", 300, KindPut),
		internalKey("aa", 1, KindPut),
		internalKey("b", 1, KindPut),
		internalKey("\xff", 1, KindPut),
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := Compare(a, b); got != cmp.Compare(i, j) {
				t.Errorf("Compare(%x, %x) = %d, want %d", a, b, got, cmp.Compare(i, j))
			}
		}
	}
}

func TestSearchKeyComesBeforeAllItsSequenceNumberSees(t *testing.T) {
	search := internalKey("k", 7, KindSeek)
	for _, kind := range []Kind{KindDelete, KindPut} {
		if Compare(search, internalKey("k", 7, kind)) > 0 {
			t.Errorf("a search at 7 begins behind the entry 7 of kind %d", kind)
		}
		if Compare(search, internalKey("k", 8, kind)) < 0 {
			t.Errorf("a search at 7 begins before the entry 8 of kind %d", kind)
		}
	}
}

func TestSeparatorIsShortAndLiesBetween(t *testing.T) {
	cases := []struct{ a, b, want string }{
		{"foo", "hello", "g"},
		{"abcdefghijklmn", "abzzz", "abd"},
		{"foobar", "foo\xff", "fooc"},
		{"foo", "foobar", "foo"},     // a is a prefix of b
		{"foo1", "foo2", "foo1"},     // nothing lies between
		{"fo\xffx", "fp", "fo\xffx"}, // nor here, as far as one byte can tell
		{"a\xff", "c", "b"},
		{"foo", "foo", "foo"}, // versions of one user key
		{"", "x", ""},
	}
	for _, c := range cases {
		a, b := internalKey(c.a, 100, KindPut), internalKey(c.b, 50, KindPut)
		got := AppendSeparator([]byte("prefix"), a, b)[len("prefix"):]
		if string(UserKey(got)) != c.want {
			t.Errorf("separator of %q and %q is %q, want %q", c.a, c.b, UserKey(got), c.want)
		}
		if Compare(a, got) > 0 || Compare(got, b) >= 0 {
			t.Errorf("separator of %q and %q, %q, does not lie between", c.a, c.b, got)
		}
	}
}

func TestSuccessorIsShortAndNotBefore(t *testing.T) {
	cases := []struct{ a, want string }{
		{"foo", "g"},
		{"\xff\xffabc", "\xff\xffb"},
		{"\xff\xff", "\xff\xff"},
		{"f", "f"}, // no shorter one
		{"", ""},
	}
	for _, c := range cases {
		a := internalKey(c.a, 100, KindPut)
		got := AppendSuccessor([]byte("prefix"), a)[len("prefix"):]
		if string(UserKey(got)) != c.want || Compare(a, got) > 0 {
			t.Errorf("successor of %q is %q, want %q", c.a, UserKey(got), c.want)
		}
	}
}

func FuzzSeparator(f *testing.F) {
	f.Add([]byte("foo"), uint64(3), []byte("hello"), uint64(4))
	f.Add([]byte("a\xff"), uint64(3), []byte("b"), uint64(4))
	f.Fuzz(func(t *testing.T, userA []byte, seqA uint64, userB []byte, seqB uint64) {
		a := AppendInternalKey(nil, userA, Seq(seqA)&MaxSeq, KindPut)
		b := AppendInternalKey(nil, userB, Seq(seqB)&MaxSeq, KindPut)
		if Compare(a, b) > 0 {
			a, b = b, a
		}
		if Compare(a, b) == 0 {
			return
		}
		got := AppendSeparator(nil, a, b)
		if !ValidInternalKey(got) || Compare(a, got) > 0 || Compare(got, b) >= 0 || len(got) > len(a) {
			t.Errorf("separator of %x and %x is %x", a, b, got)
		}
		if next := AppendSuccessor(nil, a); !ValidInternalKey(next) || Compare(a, next) > 0 || len(next) > len(a) {
			t.Errorf("successor of %x is %x", a, next)
		}
	})
}

func TestFileNamesGiveBackKindAndNumber(t *testing.T) {
	cases := []struct {
		kind FileKind
		num  FileNum
		name string
	}{
		{FileLog, 7, "000007.log"},
		{FileTable, 123, "000123.ldb"},
		{FileManifest, 5, "MANIFEST-000005"},
		{FileTemp, 9, "000009.dbtmp"},
		{FileTable, 1234567, "1234567.ldb"},
		{FileLog, 1<<64 - 1, "18446744073709551615.log"},
		{FileCurrent, 0, "CURRENT"},
		{FileLock, 0, "LOCK"},
		{FileInfoLog, 0, "LOG"},
	}
	for _, c := range cases {
		if got := FileName(c.kind, c.num); got != c.name {
			t.Errorf("FileName(%d, %d) = %q, want %q", c.kind, c.num, got, c.name)
		}
		if kind, num, ok := ParseFileName(c.name); !ok || kind != c.kind || num != c.num {
			t.Errorf("ParseFileName(%q) = %d, %d, %t, want %d, %d", c.name, kind, num, ok, c.kind, c.num)
		}
	}
}

func TestNamesOfOlderLevelDBAreRead(t *testing.T) {
	if kind, num, ok := ParseFileName(OldTableName(42)); !ok || kind != FileTable || num != 42 {
		t.Errorf("%q is %d, %d, %t", OldTableName(42), kind, num, ok)
	}
	if kind, _, ok := ParseFileName("LOG.old"); !ok || kind != FileInfoLog {
		t.Errorf("LOG.old is %d, %t", kind, ok)
	}
}

// The cases are LevelDB's own.
func TestOtherNamesAreNoneOfAStore(t *testing.T) {
	for _, name := range []string{
		"", "foo", "foo-dx-100.log", ".log", ".ldb", "manifest", "CURREN", "CURRENTX", "MANIFES", "MANIFEST",
		"MANIFEST-", "XMANIFEST-3", "MANIFEST-3x", "LOC", "LOCKx", "LO", "LOGx", "18446744073709551616.log",
		"184467440737095516150.log", "100", "100.", "100.lop", "100.log.x", "-1.log", "+1.log", " 1.log", "1_0.log", "0x1.log",
	} {
		if kind, num, ok := ParseFileName(name); ok {
			t.Errorf("%q is taken for file %d of kind %d", name, num, kind)
		}
	}
}

func TestChecksumsAreTheMaskedCRC32CofLevelDB(t *testing.T) {
	// The standard results of RFC 3720, B.4.
	ascending := make([]byte, 32)
	for i := range ascending {
		ascending[i] = byte(i)
	}
	cases := []struct {
		data []byte
		want uint32
	}{
		{nil, 0},
		{make([]byte, 32), 0x8a9136aa},
		{bytes.Repeat([]byte{0xff}, 32), 0x62a8ab43},
		{ascending, 0x46dd794e},
		{[]byte("123456789"), 0xe3069283},
	}
	for _, c := range cases {
		if got := ExtendCRC(0, c.data); got != c.want {
			t.Errorf("CRC of %x is %08x, want %08x", c.data, got, c.want)
		}
		if len(c.data) > 0 {
			n := len(c.data) - 1
			if got := ExtendCRCByte(ExtendCRC(0, c.data[:n]), c.data[n]); got != c.want {
				t.Errorf("CRC of %x, the last byte by itself, is %08x, want %08x", c.data, got, c.want)
			}
			if got := Checksum(c.data[:n], c.data[n]); got != MaskedCRC(c.want) {
				t.Errorf("checksum of %x is %08x, want %08x", c.data, got, MaskedCRC(c.want))
			}
		}
	}
	if got := MaskedCRC(0xe3069283); got != 0xc78ab0e5 {
		t.Errorf("masked CRC is %08x", got)
	}
}

func TestChecksumAllocatesNothing(t *testing.T) {
	data := []byte("some data")
	if allocs := testing.AllocsPerRun(100, func() { Checksum(data, 1) }); allocs != 0 {
		t.Fatalf("Checksum allocates %v times", allocs)
	}
}

func TestCorruptionErrorNamesFileOffsetAndReason(t *testing.T) {
	err := fmt.Errorf("open store: %w", Corruption("000007.ldb", 4096, "block of %d bytes", 12))
	var corruption *CorruptionError
	if !errors.As(err, &corruption) || corruption.File != "000007.ldb" || corruption.Offset != 4096 {
		t.Fatalf("%#v", corruption)
	}
	const want = "open store: varve: 000007.ldb is corrupt at 4096: block of 12 bytes"
	if err.Error() != want {
		t.Fatalf("%q, want %q", err, want)
	}
	if got := Corruption("CURRENT", -1, "empty").Error(); got != "varve: CURRENT is corrupt: empty" {
		t.Fatal(got)
	}
}

func TestMaxSeqIsTheLastOneATrailerHolds(t *testing.T) {
	seqs := []Seq{0, 1, MaxSeq - 1, MaxSeq}
	if !slices.IsSortedFunc(seqs, func(a, b Seq) int { return cmp.Compare(MakeTrailer(a, KindPut), MakeTrailer(b, KindPut)) }) {
		t.Fatal("trailers are not in the order of their sequence numbers")
	}
	if MakeTrailer(MaxSeq, 0xff) != 1<<64-1 {
		t.Fatal("the largest trailer is not MaxSeq's")
	}
}
