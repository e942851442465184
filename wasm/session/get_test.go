package session

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

func TestGetsTogetherAreAnsweredEachForItself(t *testing.T) {
	c := openClient(t, memfs.New())
	for _, key := range []string{"b", "d", "a"} {
		c.put(key, "v"+key)
	}
	snapshot := c.newHandle(t)
	c.put("d", "later")
	var ids, then []uint32
	keys := []string{"d", "missing", "a", "", "b", "d"}
	for _, key := range keys {
		ids = append(ids, c.add(frame.Get, 0, key, ""))
	}
	for _, key := range keys {
		then = append(then, c.add(frame.Get, snapshot, key, ""))
	}
	unknown := c.add(frame.Get, 99, "a", "")
	c.submit()
	invalid := fmt.Sprintf("error %d", frame.InvalidArgument)
	for i, want := range []string{"later", "-", "va", invalid, "vb", "later"} {
		checkValues(t, "get of "+keys[i], c.await(ids[i]), want)
	}
	for i, want := range []string{"vd", "-", "va", invalid, "vb", "vd"} {
		checkValues(t, "get of "+keys[i]+" in the snapshot", c.await(then[i]), want)
	}
	checkValues(t, "get in an unknown snapshot", c.await(unknown), fmt.Sprintf("error %d", frame.Closed))
}

// newHandle opens a snapshot.
func (c *client) newHandle(t *testing.T) uint32 {
	t.Helper()
	const handle = 7
	checkValues(t, "snapshot", c.do(frame.SnapOpen, handle, ""), "")
	return handle
}

func TestOfGetsTogetherOnlyThoseWaitWhoseBlockIsNotInMemory(t *testing.T) {
	c, gate := coldClient(t)
	checkValues(t, "a get that brings a block into memory", c.do(frame.Get, 0, "fill0003"), strings.Repeat("x", 200))
	c.put("new", "1")
	gate.shut()
	near := c.add(frame.Get, 0, "fill0003", "")
	far := c.add(frame.Get, 0, "k", "")
	written := c.add(frame.Get, 0, "new", "")
	missing := c.add(frame.Get, 0, "fill0003+", "")
	again := c.add(frame.Get, 0, "k", "")
	c.add(frame.Put, 0, "k", "new")
	behind := c.add(frame.Get, 0, "k", "")
	c.submit()
	checkValues(t, "get of the cached block", c.await(near), strings.Repeat("x", 200))
	checkValues(t, "get of the memtable", c.await(written), "1")
	checkValues(t, "get of a missing key", c.await(missing), "-")
	checkValues(t, "get behind the put", c.await(behind), "new")
	if c.answered(far) || c.answered(again) {
		t.Error("a get was answered though its block could not be read")
	}
	gate.unshut()
	checkValues(t, "get that waited", c.await(far), "old")
	checkValues(t, "the other that waited", c.await(again), "old")
}

// An Ingest keeps snapshots from being taken, and a get that has to read a table needs one.
func TestGetsTogetherOfWhichOneMayNotWaitYetAreAnsweredInOrder(t *testing.T) {
	c, gate := coldClient(t)
	begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- c.session.db.Ingest(func(func(key, value []byte) bool) {
			close(begun)
			<-end
		})
	}()
	<-begun
	c.put("new", "1")
	gate.shut()
	var ids []uint32
	keys := []string{"new", "fill0003", "k", "new", "missing", "k"}
	for _, key := range keys {
		ids = append(ids, c.add(frame.Get, 0, key, ""))
	}
	put := c.add(frame.Put, 0, "new", "2")
	behind := c.add(frame.Get, 0, "new", "")
	c.submit()
	for i, id := range append(ids, put, behind) {
		if answered := c.answered(id); answered != (i == 0) {
			t.Errorf("request %d: answered %t, though no snapshot can be taken", i, answered)
		}
	}
	close(end)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	checkValues(t, "put", c.await(put), "")
	checkValues(t, "get behind the put", c.await(behind), "2")
	gate.unshut()
	for i, want := range []string{"1", strings.Repeat("x", 200), "old", "1", "-", "old"} {
		checkValues(t, "get of "+keys[i], c.await(ids[i]), want)
	}
}

// It may have brought megabytes of values beside.
func TestFrameOfGetsTogetherIsNotKept(t *testing.T) {
	c := openClient(t, memfs.New())
	var id uint32
	for range 2 * togetherFrom {
		id = c.add(frame.Get, 0, "k", "")
	}
	data := c.take()
	kept := weak.Make(&data[0])
	if _, err := c.session.Submit(data); err != nil {
		t.Fatal(err)
	}
	checkValues(t, "get", c.await(id), "-")
	c.do(frame.Has, 0, "k")
	runtime.GC()
	if kept.Value() != nil {
		t.Error("the frame is kept")
	}
}

func TestGetsTogetherFillSeveralFrames(t *testing.T) {
	c := openClient(t, memfs.New())
	value := strings.Repeat("v", 100<<10)
	c.put("k", value)
	before := c.frames
	var ids []uint32
	for range 30 {
		ids = append(ids, c.add(frame.Get, 0, "k", ""))
	}
	c.submit()
	for _, id := range ids {
		if got := c.await(id); got[0].value != value {
			t.Fatalf("get %d: %d bytes", id, len(got[0].value))
		}
	}
	perFrame := maxFrame/len(value) + 1
	if n, want := c.frames-before, (30+perFrame-1)/perFrame; n != want {
		t.Errorf("3 MB arrived in %d frames, want %d", n, want)
	}
}

func TestScanOfMemoryIsAnsweredAtOnce(t *testing.T) {
	c, gate := coldClient(t)
	ask := func(s scanOf) uint32 { return c.addScan(1, s) }
	first := ask(scanOf{lower: "fill0100", limit: 2, wanted: 1000})
	c.submit()
	checkValues(t, "scan that waits", c.await(first), strings.Repeat("x", 200), strings.Repeat("x", 200))

	gate.shut()
	again := ask(scanOf{lower: "fill0100", limit: 2, wanted: 1000})
	part := ask(scanOf{lower: "fill0100", limit: 3, wanted: 1})
	c.submit()
	if !c.answered(again) || !c.answered(part) {
		t.Fatal("a scan of cached blocks is not answered when Submit returns")
	}
	if got := c.await(again); len(got) != 2 || got[1].flags&frame.End == 0 {
		t.Errorf("the whole: %v", got)
	}
	if got := c.await(part); len(got) != 1 || got[0].flags&frame.End != 0 {
		t.Errorf("a part: %v", got)
	}
	gate.unshut()
	if got := entries(c.do(frame.ScanNext, 1, numbers(1000))); !strings.HasPrefix(got, "fill0101=") {
		t.Errorf("it goes on with %.40s", got)
	}
	checkValues(t, "scan whose handle is free", c.do(frame.ScanNext, 1, numbers(1000)), fmt.Sprintf("error %d", frame.Closed))
	c.session.awaitIdle() // iterators are closed behind the answer
	if n := c.session.db.Metrics().Iterators; n != 0 {
		t.Errorf("%d iterators are open", n)
	}
}

func TestScanThatRunsOutOfMemoryInTheMiddleBeginsAnew(t *testing.T) {
	c, gate := coldClient(t)
	checkValues(t, "a get that brings the first block into memory", c.do(frame.Get, 0, "fill0000"), strings.Repeat("x", 200))
	gate.shut()
	before := c.add(frame.Get, 0, "fill0000", "")
	all := c.addScan(1, scanOf{limit: 100, wanted: maxWanted})
	c.submit()
	if c.answered(all) || !c.answered(before) {
		t.Error("answered too early, or the answer before it is lost")
	}
	gate.unshut()
	got := c.await(all)
	if len(got) != 100 || got[0].key != "fill0000" || got[99].key != "fill0099" || got[99].flags&frame.End == 0 {
		t.Errorf("%d entries", len(got))
	}
}

func TestGetsThatCantBeReadAreFailures(t *testing.T) {
	content := memfs.New()
	first := newClient(t)
	first.fs = keepOpen{content}
	first.open()
	first.put("k", "v")
	first.do(frame.Compact, 0, "")
	first.do(frame.Close, 0, "")
	var broken atomic.Bool
	c := openClient(t, faultfs.New(content, func(_ int, op faultfs.Op) *faultfs.Fault {
		if broken.Load() && op.Kind == faultfs.ReadAt {
			return &faultfs.Fault{Err: vfs.ErrIO}
		}
		return nil
	}))
	broken.Store(true)
	get, has := c.add(frame.Get, 0, "k", ""), c.add(frame.Has, 0, "k", "")
	many, scan := c.addGetMany(0, "j", "k"), c.addScan(1, scanOf{limit: frame.NoLimit, wanted: 100})
	c.submit()
	for what, id := range map[string]uint32{"get": get, "has": has, "getMany": many, "scan": scan} {
		if got := c.await(id); len(got) != 1 || got[0].code != frame.IO {
			t.Errorf("%s: %v, want IO", what, got)
		}
	}
	broken.Store(false)
	checkValues(t, "get when it can be read", c.do(frame.Get, 0, "k"), "v")
}
