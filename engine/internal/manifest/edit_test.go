package manifest

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func fullEdit() *Edit {
	e := add(2, table(12, "a", "c"), table(13, "d", "d")).deleting(1, 8, 300)
	e.Comparer = base.ComparerName
	e.LogNum = new(base.FileNum(5))
	e.PrevLogNum = new(base.FileNum(0))
	e.NextFileNum = new(base.FileNum(1000))
	e.LastSeq = new(base.MaxSeq)
	e.CompactPointers = []CompactPointer{{Level: 6, Key: key("\x00", 3)}}
	return e
}

func TestDecodedEditEqualsTheEncodedOne(t *testing.T) {
	for name, e := range map[string]*Edit{
		"empty":         {},
		"full":          fullEdit(),
		"zero numbers":  {LogNum: new(base.FileNum), LastSeq: new(base.Seq)},
		"empty userkey": add(0, table(1, "", "")),
	} {
		got, err := DecodeEdit(e.Append(nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, e) {
			t.Errorf("%s: got\n%vwant\n%v", name, got, e)
		}
	}
}

func TestEncodingIsLevelDBs(t *testing.T) {
	e := &Edit{
		Comparer:        "cmp",
		LogNum:          new(base.FileNum(6)),
		PrevLogNum:      new(base.FileNum(0)),
		NextFileNum:     new(base.FileNum(300)),
		LastSeq:         new(base.Seq(2)),
		CompactPointers: []CompactPointer{{Level: 1, Key: key("k", 1)}},
	}
	e.deleting(0, 4)
	e.Added = add(3, &Table{Num: 5, Size: 129, Smallest: key("a", 2), Largest: key("b", 1)}).Added
	want := "01 03 636d70" + "02 06" + "09 00" + "03 ac02" + "04 02" +
		"05 01 09 6b0101000000000000" +
		"06 00 04" +
		"07 03 05 8101 09 610102000000000000 09 620101000000000000"
	if got := hex.EncodeToString(e.Append(nil)); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDecodedEditSharesNoMemoryWithItsInput(t *testing.T) {
	data := fullEdit().Append(nil)
	e, err := DecodeEdit(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !reflect.DeepEqual(e, fullEdit()) {
		t.Errorf("changed with its input:\n%v", e)
	}
}

func TestMalformedEditIsRefusedWithItsReason(t *testing.T) {
	const a, b = "09 610101000000000000", "09 620101000000000000"
	for _, c := range []struct{ data, reason string }{
		{"08 00", "tag at byte 0: 8 is unknown"},
		{"02 05 00", "tag at byte 2: 0 is unknown"},
		{"0a 00", "10 is unknown"},
		{"8780808080808080808001", "tag"},
		{"80", "tag at byte 0: cut off"},
		{"01", "comparator at byte 0: cut off"},
		{"01 04 636d70", "comparator at byte 0: cut off"},
		{"01 00", "comparator at byte 0: empty name"},
		{"01 ffffffffffffffffff01 61", "comparator at byte 0: cut off"},
		{"02", "log number at byte 0: cut off"},
		{"02 80", "log number at byte 0: cut off"},
		{"02 80808080808080808001", "log number at byte 0: file number 9223372036854775808 is out of range"},
		{"02 ffffffffffffffffffff01", "number of more than 64 bits"},
		{"09", "previous log number"},
		{"03", "next file number"},
		{"04", "last sequence number at byte 0: cut off"},
		{"04 8080808080808080" + "01", "last sequence number at byte 0: 72057594037927936 is out of range"},
		{"05 07" + a, "compact pointer at byte 0: level 7, the last is 6"},
		{"05 01", "compact pointer at byte 0: cut off"},
		{"05 01 07 01000000000000", "is no internal key"},
		{"05 01 08 0200000000000000", "is no internal key"},
		{"06 07 01", "deleted file at byte 0: level 7, the last is 6"},
		{"06 00", "deleted file at byte 0: cut off"},
		{"07 07 05 01" + a + b, "new file at byte 0: level 7, the last is 6"},
		{"07 00", "new file at byte 0: cut off"},
		{"07 00 05", "new file at byte 0: cut off"},
		{"07 00 05 80808080808080808001" + a + b, "size 9223372036854775808 is out of range"},
		{"07 00 05 01", "smallest key: cut off"},
		{"07 00 05 01 00" + b, `smallest key: "" is no internal key`},
		{"07 00 05 01" + a, "largest key: cut off"},
		{"07 00 05 01" + b + a, `smallest key "b"@1,put is behind largest key "a"@1,put`},
	} {
		data, err := hex.DecodeString(strings.ReplaceAll(c.data, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if e, err := DecodeEdit(data); err == nil {
			t.Errorf("%s: decoded to\n%v", c.data, e)
		} else if !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: got error %q, want %q in it", c.data, err, c.reason)
		}
	}
}

func TestEditPrintsOneLineAField(t *testing.T) {
	e := fullEdit()
	e.Added[0].Smallest = base.AppendInternalKey(nil, []byte("\xff\n"), 7, base.KindDelete)
	want := `comparator "leveldb.BytewiseComparator"
log number 5
previous log number 0
next file number 1000
last sequence 72057594037927935
compact pointer level 6 "\x00"@3,put
delete level 1 000008
delete level 1 000300
add level 2 000012 1200 bytes "\xff\n"@7,delete .. "c"@1,put
add level 2 000013 1300 bytes "d"@9,put .. "d"@1,put
`
	if got := e.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func FuzzDecodeEdit(f *testing.F) {
	f.Add([]byte{})
	f.Add(fullEdit().Append(nil))
	f.Add(add(0, table(1, "", "")).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEdit(data)
		if err != nil {
			return
		}
		encoded := e.Append(nil)
		again, err := DecodeEdit(encoded)
		if err != nil {
			t.Fatalf("%v\nof\n%v", err, e)
		}
		if !reflect.DeepEqual(again, e) || !bytes.Equal(again.Append(nil), encoded) {
			t.Fatalf("got\n%vwant\n%v", again, e)
		}
		_ = e.String()
	})
}
