package session

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

func checkValues(t *testing.T, what string, got []response, want ...string) {
	t.Helper()
	if g := values(got); !slices.Equal(g, want) {
		t.Errorf("%s: got %q, want %q", what, g, want)
	}
}

func TestReadsSeeTheWritesBeforeThemInTheFrameAndNoneBehind(t *testing.T) {
	c := openClient(t, memfs.New())
	before := c.add(frame.Get, 0, "k", "")
	c.add(frame.Put, 0, "k", "1")
	one := c.add(frame.Get, 0, "k", "")
	c.add(frame.Put, 0, "k", "2")
	two := c.addGetMany(0, "k", "missing", "k")
	c.add(frame.Del, 0, "k", "")
	gone := c.add(frame.Has, 0, "k", "")
	c.submit()
	checkValues(t, "before", c.await(before), "-")
	checkValues(t, "after the first put", c.await(one), "1")
	checkValues(t, "after the second put", c.await(two), "2", "-", "2")
	checkValues(t, "after the delete", c.await(gone), "-")
}

// coldClient returns a client whose store has key k with value old in a table, of which nothing
// is in memory.
func coldClient(t *testing.T) (*client, *gateFS) {
	t.Helper()
	content := memfs.New()
	first := newClient(t)
	first.fs = keepOpen{content}
	first.open()
	for i := range 200 {
		first.put(fmt.Sprintf("fill%04d", i), strings.Repeat("x", 200))
	}
	first.put("k", "old")
	if got := first.do(frame.Compact, 0, ""); got[0].code != frame.OK {
		t.Fatalf("compact: %v", got)
	}
	if got := first.do(frame.Close, 0, ""); got[0].code != frame.OK {
		t.Fatalf("close: %v", got)
	}
	gate := newGateFS(content)
	return openClient(t, gate), gate
}

// keepOpen is an FS whose Close leaves it open for the next store.
type keepOpen struct{ vfs.FS }

func (keepOpen) Close() error { return nil }

func TestReadsThatWaitSeeTheMomentOfTheirCall(t *testing.T) {
	c, gate := coldClient(t)
	gate.shut()
	get := c.add(frame.Get, 0, "k", "")
	has := c.add(frame.Has, 0, "k", "")
	many := c.addGetMany(0, "k", "fill0007", "missing", "k")
	scan := c.addScan(1, scanOf{lower: "k", limit: frame.NoLimit, wanted: 100})
	put := c.add(frame.Put, 0, "l", "new")
	between := c.addGetMany(0, "l", "fill0003")
	del := c.add(frame.Del, 0, "k", "")
	later := c.add(frame.Get, 0, "k", "")
	c.submit()
	checkValues(t, "put", c.await(put), "")
	checkValues(t, "delete", c.await(del), "")
	checkValues(t, "get behind the delete", c.await(later), "-")
	if c.answered(get) {
		t.Error("a get was answered though its table could not be read")
	}
	gate.unshut()
	checkValues(t, "get", c.await(get), "old")
	checkValues(t, "has", c.await(has), "")
	checkValues(t, "getMany", c.await(many), "old", strings.Repeat("x", 200), "-", "old")
	checkValues(t, "scan", c.await(scan), "old")
	checkValues(t, "getMany behind the put", c.await(between), "new", strings.Repeat("x", 200))
}

func TestReadsBeyondThoseThatMayWaitAtOnceAreAnsweredToo(t *testing.T) {
	c, gate := coldClient(t)
	gate.shut()
	var ids []uint32
	for i := range 3 * maxReading {
		ids = append(ids, c.add(frame.Get, 0, fmt.Sprintf("fill%04d", i), ""))
	}
	c.submit()
	gate.unshut()
	for _, id := range ids {
		checkValues(t, "get", c.await(id), strings.Repeat("x", 200))
	}
}

func TestEverythingWaitsInOrderBehindAWriteThatHasNoRoom(t *testing.T) {
	gate := newGateFS(memfs.New())
	c := openClient(t, gate, "memoryBudget", strconv.Itoa(1<<20))
	gate.shut()
	var puts []uint32
	for i := range 32 {
		puts = append(puts, c.add(frame.Put, 0, fmt.Sprintf("k%02d", i), strings.Repeat("v", 60<<10)))
		c.submit()
	}
	c.add(frame.Put, 0, "last", "1")
	one := c.add(frame.Get, 0, "last", "")
	c.submit()
	c.add(frame.Put, 0, "last", "2")
	two := c.add(frame.Get, 0, "last", "")
	c.submit()
	if c.answered(one) || c.answered(two) {
		t.Error("a get was answered before the writes in front of it had room")
	}
	gate.unshut()
	checkValues(t, "get behind the first put", c.await(one), "1")
	checkValues(t, "get behind the second put", c.await(two), "2")
	for _, id := range puts {
		checkValues(t, "put", c.await(id), "")
	}
}

func TestOneRefusedRequestLeavesThoseAroundItAlone(t *testing.T) {
	c := openClient(t, memfs.New())
	first := c.add(frame.Put, 0, "a", "1")
	refused := c.newID()
	c.header(frame.Put, refused, 0, frame.More, 0, "b", "2")
	c.header(frame.Put, refused, 0, 0, 0, "", "no key")
	empty := c.add(frame.Put, 0, "", "")
	last := c.add(frame.Put, 0, "c", "3")
	all := c.addGetMany(0, "a", "b", "c")
	c.submit()
	checkValues(t, "first", c.await(first), "")
	checkValues(t, "batch with an empty key", c.await(refused), fmt.Sprintf("error %d", frame.InvalidArgument))
	checkValues(t, "put of an empty key", c.await(empty), fmt.Sprintf("error %d", frame.InvalidArgument))
	checkValues(t, "last", c.await(last), "")
	checkValues(t, "contents", c.await(all), "1", "-", "3")
}

func TestClearIsSeenByTheReadsBehindIt(t *testing.T) {
	c := openClient(t, memfs.New())
	for _, key := range []string{"a", "b1", "b2", "c"} {
		c.add(frame.Put, 0, key, "v")
	}
	id := c.newID()
	c.header(frame.Clear, id, 0, frame.UpperBound, 0, "b", "c")
	got := c.addGetMany(0, "a", "b1", "b2", "c")
	c.submit()
	checkValues(t, "clear", c.await(id), "")
	checkValues(t, "contents", c.await(got), "v", "-", "-", "v")
}

func TestSnapshotKeepsItsMoment(t *testing.T) {
	c := openClient(t, memfs.New())
	c.put("k", "1")
	c.add(frame.SnapOpen, 9, "", "")
	c.add(frame.Put, 0, "k", "2")
	then := c.add(frame.Get, 9, "k", "")
	scan := c.addScan(1, scanOf{snapshot: 9, limit: frame.NoLimit, wanted: 100})
	now := c.add(frame.Get, 0, "k", "")
	c.add(frame.SnapClose, 9, "", "")
	closed := c.add(frame.Get, 9, "k", "")
	c.submit()
	checkValues(t, "snapshot", c.await(then), "1")
	checkValues(t, "scan of the snapshot", c.await(scan), "1")
	checkValues(t, "store", c.await(now), "2")
	checkValues(t, "closed snapshot", c.await(closed), fmt.Sprintf("error %d", frame.Closed))
}

func TestScanGivesWhatIsWanted(t *testing.T) {
	c := openClient(t, memfs.New())
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		c.add(frame.Put, 0, key, "v"+key)
	}
	c.submit()
	cases := []struct {
		name string
		scan scanOf
		want string // entries of each answer, answers divided by bars
	}{
		{"everything at once", scanOf{limit: frame.NoLimit, wanted: 1000}, "a=va b=vb c=vc d=vd e=ve"},
		{"a few at a time", scanOf{limit: frame.NoLimit, wanted: 40}, "a=va b=vb|c=vc d=vd|e=ve"},
		{"limit", scanOf{limit: 3, wanted: 40}, "a=va b=vb|c=vc"},
		{"limit of none", scanOf{limit: 0, wanted: 40}, "-"},
		{"range", scanOf{lower: "b", upper: "d", limit: frame.NoLimit, wanted: 1000}, "b=vb c=vc"},
		{"empty range", scanOf{lower: "x", limit: frame.NoLimit, wanted: 1000}, "-"},
		{"reverse", scanOf{upper: "d", flags: frame.Reverse, limit: 2, wanted: 1000}, "c=vc b=vb"},
		{"keys", scanOf{flags: frame.KeysOnly, limit: 2, wanted: 1000}, "a= b="},
		{"values", scanOf{flags: frame.ValuesOnly, limit: 2, wanted: 1000}, "=va =vb"},
	}
	for i, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			handle := uint32(i + 1)
			id := c.addScan(handle, test.scan)
			c.submit()
			var answers []string
			for {
				got := c.await(id)
				answers = append(answers, entries(got))
				if got[len(got)-1].flags&frame.End != 0 {
					break
				}
				id = c.add(frame.ScanNext, handle, numbers(test.scan.wanted), "")
				c.submit()
			}
			if got := strings.Join(answers, "|"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			next := c.do(frame.ScanNext, handle, numbers(10))
			checkValues(t, "a scan that has ended", next, fmt.Sprintf("error %d", frame.Closed))
		})
	}
}

func entries(all []response) string {
	var texts []string
	for _, r := range all {
		if r.flags&frame.Absent != 0 {
			texts = append(texts, "-")
		} else {
			texts = append(texts, r.key+"="+r.value)
		}
	}
	return strings.Join(texts, " ")
}

func TestScanClosedWhileItIsReadIsFreedAndAnswered(t *testing.T) {
	c, gate := coldClient(t)
	gate.shut()
	read := c.addScan(1, scanOf{limit: frame.NoLimit, wanted: 1})
	c.add(frame.ScanClose, 1, "", "")
	next := c.add(frame.ScanNext, 1, numbers(100), "")
	c.submit()
	checkValues(t, "next", c.await(next), fmt.Sprintf("error %d", frame.Closed))
	gate.unshut()
	checkValues(t, "open", c.await(read), strings.Repeat("x", 200))
}

func TestCloseAnswersEverythingThatWasAskedBefore(t *testing.T) {
	c, gate := coldClient(t)
	gate.shut()
	get := c.add(frame.Get, 0, "k", "")
	var queued []uint32
	for i := range 2 * maxReading {
		queued = append(queued, c.add(frame.Has, 0, fmt.Sprintf("fill%04d", i), ""))
	}
	put := c.add(frame.Put, 0, "l", "new")
	c.addScan(1, scanOf{limit: frame.NoLimit, wanted: 10})
	c.add(frame.SnapOpen, 2, "", "")
	end := c.add(frame.Close, 0, "", "")
	late := c.add(frame.Get, 0, "k", "")
	c.submit()
	for range 1000 {
		runtime.Gosched() // the chance for a close that does not wait
	}
	if c.answered(end) {
		t.Error("the store was closed before a get was answered")
	}
	gate.unshut()
	checkValues(t, "close", c.await(end), "")
	checkValues(t, "get", c.await(get), "old")
	for _, id := range queued {
		checkValues(t, "has", c.await(id), "")
	}
	checkValues(t, "put", c.await(put), "")
	checkValues(t, "get after close", c.await(late), fmt.Sprintf("error %d", frame.Closed))
	c.fs = memfs.New()
	c.open()
}

func TestWhatFollowsAnOpenWaitsForIt(t *testing.T) {
	c := newClient(t)
	early := c.do(frame.Get, 0, "k")
	checkValues(t, "get before open", early, fmt.Sprintf("error %d", frame.Closed))
	id := c.newID()
	c.header(frame.Open, id, 0, 0, 0, "store", "")
	put := c.add(frame.Put, 0, "k", "v")
	c.submit()
	get := c.add(frame.Get, 0, "k", "")
	c.submit()
	checkValues(t, "put", c.await(put), "")
	checkValues(t, "get", c.await(get), "v")
	c.do(frame.Close, 0, "")
}

func TestOpenRefusesOptionsThatItDoesNotUnderstand(t *testing.T) {
	for _, options := range [][]string{
		{"colour", "red"}, {"durability", "eventual"}, {"memoryBudget", "much"}, {"memoryBudget", "10"},
	} {
		c := newClient(t)
		got := c.await(c.askOpen(options...))
		checkValues(t, strings.Join(options, " "), got[:1], fmt.Sprintf("error %d", frame.InvalidArgument))
	}
}

func TestErrorsCrossAsCodesWithFields(t *testing.T) {
	cases := []struct {
		err  error
		code frame.Code
		want string // the fields behind the message
	}{
		{&engine.CorruptionError{File: "000007.ldb", Offset: 12, Reason: "checksum"}, frame.Corrupt,
			"file=000007.ldb reason=checksum offset=12"},
		{&engine.CorruptionError{File: "CURRENT", Offset: -1, Reason: "missing"}, frame.Corrupt, "file=CURRENT reason=missing"},
		{&vfs.NoSpaceError{Wanted: 10, Available: 3}, frame.NoSpace, "wanted=10 available=3"},
		{&vfs.NoSpaceError{Wanted: 10, Available: -1}, frame.NoSpace, "wanted=10"},
		{vfs.ErrNoSpace, frame.NoSpace, ""},
		{vfs.ErrLocked, frame.Locked, ""},
		{vfs.ErrDamaged, frame.Corrupt, ""},
		{vfs.ErrName, frame.InvalidArgument, ""},
		{vfs.ErrClosed, frame.Closed, ""},
		{engine.ErrClosed, frame.Closed, ""},
		{engine.ErrInvalidArgument, frame.InvalidArgument, ""},
		{engine.ErrExists, frame.Exists, ""},
		{engine.ErrNoStore, frame.NotFound, ""},
		{ErrUnsupported, frame.Unsupported, ""},
		{vfs.ErrIO, frame.IO, ""},
		{errors.New("strange"), frame.IO, ""},
	}
	for _, test := range cases {
		c := newClient(t)
		c.openErr = fmt.Errorf("open: %w", test.err)
		got := c.await(c.askOpen())
		if got[0].code != test.code || got[0].key != "message" || got[0].value != c.openErr.Error() {
			t.Errorf("%v: got %v, want code %d and the error's text", test.err, got[0], test.code)
		}
		if fields := entries(got[1:]); fields != test.want {
			t.Errorf("%v: fields are %q, want %q", test.err, fields, test.want)
		}
	}
}

func TestMaintenanceAnswers(t *testing.T) {
	c := openClient(t, memfs.New())
	c.put("k", "v")
	checkValues(t, "flush", c.do(frame.Flush, 0, ""), "-")
	part := c.newID()
	c.header(frame.Compact, part, 0, frame.UpperBound, 0, "x", "y")
	c.submit()
	checkValues(t, "compact of what is empty", c.await(part), "-")
	if got := entries(c.do(frame.Stats, 0, "")); !strings.Contains(got, "levels.0.files=1 ") {
		t.Errorf("stats when nothing was to be merged: %s", got)
	}
	checkValues(t, "compact", c.do(frame.Compact, 0, ""), "-")
	checkValues(t, "destroy", c.do(frame.Destroy, 0, "other"), "-")
	if got := entries(c.do(frame.List, 0, "")); got != "a= b=" {
		t.Errorf("list: %s", got)
	}
	if got := entries(c.do(frame.Verify, 0, "")); !strings.Contains(got, "files=1") || !strings.Contains(got, "entries=1") {
		t.Errorf("verify: %s", got)
	}
	if got := entries(c.do(frame.Stats, 0, "")); !strings.Contains(got, "flushes=1 ") || !strings.Contains(got, "smallest=k") {
		t.Errorf("stats: %s", got)
	}
}

func TestSubmitRefusesMalformedFramesWithoutEffect(t *testing.T) {
	c := openClient(t, memfs.New())
	if _, err := c.session.Submit([]byte{1, 0, 0, 0}); err == nil {
		t.Error("a frame without its header was taken")
	}
	c.put("k", "v")
}

func TestDeletesDoNotShareTheRefusalOfPutsAroundThem(t *testing.T) {
	fs := &faultfs.Full{FS: memfs.New()}
	c := openClient(t, fs)
	c.put("a", "1")
	c.put("b", "2")
	fs.Short.Store(true)
	first := c.add(frame.Del, 0, "a", "")
	put := c.add(frame.Put, 0, "c", "3")
	second := c.add(frame.Del, 0, "b", "")
	all := c.addGetMany(0, "a", "b", "c")
	c.submit()
	checkValues(t, "delete before the put", c.await(first), "")
	if got := c.await(put); got[0].code != frame.NoSpace {
		t.Errorf("put: %v, want the refusal", got)
	}
	checkValues(t, "delete behind the put", c.await(second), "")
	checkValues(t, "contents", c.await(all), "-", "-", "-")
	fs.Short.Store(false)
}
