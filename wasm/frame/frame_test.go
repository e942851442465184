package frame

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
)

// golden reads a frame of testdata: hexadecimal, with spaces and lines for the eye.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return data
}

func TestRequestsReadsWhatJavaScriptWrites(t *testing.T) {
	requests, err := ParseRequests(golden(t, "requests.hex"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Request{
		{Op: Put, Durability: Strict, ID: 1, Entries: []Entry{{Op: Put, Key: []byte("a"), Value: []byte("\x01one")}}},
		{Op: Put, ID: 2, Entries: []Entry{
			{Op: Put, Flags: More, Key: []byte("é"), Value: []byte("z\x00")},
			{Op: Del, Key: []byte("b"), Value: []byte{}},
		}},
		{Op: Get, ID: 3, Handle: 7, Entries: []Entry{{Op: Get, Key: []byte{0xff}, Value: []byte{}}}},
		{Op: Clear, Durability: Deferred, ID: 0x01020304, Entries: []Entry{
			{Op: Clear, Flags: UpperBound, Key: []byte("p"), Value: []byte("q")}}},
	}
	for _, w := range want {
		if !requests.Valid() {
			t.Fatalf("frame ends before request %d", w.ID)
		}
		checkRequest(t, requests.Request(), &w)
		requests.Next()
	}
	if requests.Valid() {
		t.Errorf("frame goes on with request %d", requests.Request().ID)
	}
}

func checkRequest(t *testing.T, got, want *Request) {
	t.Helper()
	if got.Op != want.Op || got.Durability != want.Durability || got.ID != want.ID || got.Handle != want.Handle ||
		len(got.Entries) != len(want.Entries) {
		t.Fatalf("got %+v, want %+v", *got, *want)
	}
	for i, e := range got.Entries {
		w := want.Entries[i]
		if e.Op != w.Op || e.Flags != w.Flags || !bytes.Equal(e.Key, w.Key) || !bytes.Equal(e.Value, w.Value) {
			t.Errorf("request %d, entry %d: got %+v, want %+v", got.ID, i, e, w)
		}
	}
}

func TestResponsesAreWhatJavaScriptReads(t *testing.T) {
	var w Responses
	w.AddTail(1, 0, append(w.Tail(), "one"...))
	w.Add(2, OK, Absent, nil, nil)
	w.Add(3, OK, More, []byte("a"), []byte("é"))
	w.Add(3, OK, More, []byte{0xff}, []byte("all of it is ASCII"))
	w.EndLast(End)
	w.Add(4, NoSpace, More, []byte("message"), []byte("full"))
	w.Add(4, NoSpace, 0, []byte("wanted"), []byte("10"))
	head, body := w.Frame()
	if got, want := append(bytes.Clone(head), body...), golden(t, "responses.hex"); !bytes.Equal(got, want) {
		t.Errorf("frame is\n%x, want\n%x", got, want)
	}
}

func TestTruncateDropsWhatWasAddedSinceTheMark(t *testing.T) {
	var w Responses
	w.Add(1, OK, 0, nil, []byte("kept"))
	mark := w.Mark()
	w.Add(2, OK, 0, nil, []byte("dropped"))
	w.Truncate(mark)
	var want Responses
	want.Add(1, OK, 0, nil, []byte("kept"))
	checkEqual(t, &w, &want)
}

func TestAddAllMovesResponsesAsTheyAre(t *testing.T) {
	var w, want Responses
	for _, id := range []uint32{5, 6} {
		var part Responses
		for _, r := range []*Responses{&part, &want} {
			r.Add(id, OK, More, []byte("k"), []byte("é"))
			r.Add(id, OK, End, []byte("l"), nil)
		}
		w.AddAll(&part)
		if !part.Empty() {
			t.Error("the responses are in both frames")
		}
		w.AddAll(new(Responses))
	}
	checkEqual(t, &w, &want)
}

func checkEqual(t *testing.T, got, want *Responses) {
	t.Helper()
	gotHead, gotBody := got.Frame()
	wantHead, wantBody := want.Frame()
	if !bytes.Equal(gotHead, wantHead) || !bytes.Equal(gotBody, wantBody) {
		t.Errorf("frame is %x %x, want %x %x", gotHead, gotBody, wantHead, wantBody)
	}
}

func TestCloneOutlivesTheFrame(t *testing.T) {
	data := golden(t, "requests.hex")
	requests, err := ParseRequests(data)
	if err != nil {
		t.Fatal(err)
	}
	requests.Next()
	c := requests.Clone()
	clear(data)
	if r := c.Request(); r.ID != 2 || string(r.Entries[0].Key) != "é" {
		t.Errorf("the clone stands on %+v, want request 2 with key é", *r)
	}
	c.Next()
	if r := c.Request(); r.ID != 3 || !bytes.Equal(r.Entries[0].Key, []byte{0xff}) {
		t.Errorf("the clone's next is %+v, want request 3 with key ff", *r)
	}
}

// frameOf returns a frame of requests without values, each as "op id handle key", "+" in front of what
// the next header belongs to.
func frameOf(headers ...string) []byte {
	data := order.AppendUint32(nil, uint32(len(headers)))
	var payload []byte
	for _, text := range headers {
		var op, id, handle uint32
		var key string
		more := strings.HasPrefix(text, "+")
		_, _ = fmt.Sscanf(strings.TrimPrefix(text, "+"), "%d %d %d %s", &op, &id, &handle, &key)
		var flags Flags
		if more {
			flags = More
		}
		data = append(data, byte(op), byte(flags), 0, 0)
		for _, n := range []uint32{id, handle, uint32(len(key)), 1} {
			data = order.AppendUint32(data, n)
		}
		payload = append(append(payload, key...), '.')
	}
	return append(data, payload...)
}

func TestSinglesAreWhatFollowsOfTheSameKind(t *testing.T) {
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{[]string{"3 1 0 a"}, "1:a"},
		{[]string{"3 1 0 a", "3 2 0 bb", "3 3 0 c"}, "1:a 2:bb 3:c"},
		{[]string{"3 1 0 a", "3 2 0 bb", "4 3 0 c", "3 4 0 d"}, "1:a 2:bb"},
		{[]string{"3 1 0 a", "3 2 7 bb"}, "1:a"},
		{[]string{"3 1 0 a", "+3 2 0 b", "3 2 0 c"}, "1:a"},
	} {
		requests, err := ParseRequests(frameOf(c.headers...))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		singles := requests.Singles(nil)
		for _, s := range singles {
			got = append(got, fmt.Sprintf("%d:%s", s.ID, s.Key))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("of %v: %s, want %s", c.headers, text, c.want)
		}
		for n := range len(singles) + 1 {
			skipped, _ := ParseRequests(frameOf(c.headers...))
			walked, _ := ParseRequests(frameOf(c.headers...))
			skipped.Skip(n)
			for range n {
				walked.Next()
			}
			if skipped.Valid() != walked.Valid() {
				t.Fatalf("of %v, Skip(%d): valid %t", c.headers, n, skipped.Valid())
			}
			if walked.Valid() {
				checkRequest(t, skipped.Request(), walked.Request())
			}
		}
	}
}

func TestResetReadsAnotherFrameAsIfItWereTheFirst(t *testing.T) {
	requests, err := ParseRequests(golden(t, "requests.hex"))
	if err != nil {
		t.Fatal(err)
	}
	requests.Next() // stands on two entries
	if err := requests.Reset([]byte{9, 0, 0, 0}); err == nil || requests.Valid() {
		t.Errorf("a malformed frame gives %v, and requests: %t", err, requests.Valid())
	}
	if err := requests.Reset(golden(t, "requests.hex")); err != nil {
		t.Fatal(err)
	}
	fresh, _ := ParseRequests(golden(t, "requests.hex"))
	for ; fresh.Valid(); fresh.Next() {
		checkRequest(t, requests.Request(), fresh.Request())
		requests.Next()
	}
	if requests.Valid() {
		t.Errorf("frame goes on with request %d", requests.Request().ID)
	}
}

func TestParseRequestsRefusesMalformedFrames(t *testing.T) {
	good := golden(t, "requests.hex")
	cases := []struct {
		name  string
		spoil func(frame []byte) []byte
		want  string
	}{
		{"empty", func([]byte) []byte { return nil }, "no count"},
		{"count behind the end", func(f []byte) []byte { f[0] = 200; return f }, "too short"},
		{"huge count", func(f []byte) []byte { copy(f, "\xff\xff\xff\xff"); return f }, "too short"},
		{"no op", func(f []byte) []byte { f[4] = 0; return f }, "unknown op"},
		{"unknown op", func(f []byte) []byte { f[4] = byte(endOfOps); return f }, "unknown op"},
		{"unknown durability", func(f []byte) []byte { f[6] = 4; return f }, "unknown durability"},
		{"no id", func(f []byte) []byte { f[8] = 0; return f }, "no id"},
		{"linked to another id", func(f []byte) []byte { f[5] = byte(More); return f }, "another id"},
		{"last is linked", func(f []byte) []byte { f[4+4*headerLen+1] |= byte(More); return f }, "successor"},
		{"payload too short", func(f []byte) []byte { return f[:len(f)-1] }, "tell of"},
		{"payload too long", func(f []byte) []byte { return append(f, 0) }, "tell of"},
		{"lengths that overflow", func(f []byte) []byte { copy(f[16:], "\xff\xff\xff\xff\xff\xff\xff\xff"); return f }, "tell of"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseRequests(c.spoil(bytes.Clone(good)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestIsASCIILooksAtEveryByte(t *testing.T) {
	for length := range 20 {
		text := bytes.Repeat([]byte{0x7f}, length)
		if !isASCII(text) {
			t.Errorf("%d times 7f is not taken for ASCII", length)
		}
		for i := range text {
			text[i] = 0x80
			if isASCII(text) {
				t.Errorf("80 at %d of %d is taken for ASCII", i, length)
			}
			text[i] = 0x7f
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add(golden(f, "requests.hex"))
	f.Add([]byte{0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		requests, err := ParseRequests(data)
		if err != nil {
			return
		}
		headers, length := 0, 0
		for ; requests.Valid(); requests.Next() {
			for _, e := range requests.Request().Entries {
				headers++
				length += len(e.Key) + len(e.Value)
			}
		}
		if countLen+headers*headerLen+length != len(data) {
			t.Errorf("%d headers and %d bytes were seen in a frame of %d", headers, length, len(data))
		}
	})
}
