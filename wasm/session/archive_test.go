package session

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

// export reads an archive to its end, by pieces of that size.
func (c *client) export(handle uint32, piece uint32) string {
	c.t.Helper()
	id := c.add(frame.Export, handle, numbers(piece), "")
	c.submit()
	var all strings.Builder
	for {
		got := c.await(id)
		if got[0].code != frame.OK || len(got) != 1 {
			c.t.Fatalf("export: %v", got)
		}
		all.WriteString(got[0].value)
		if got[0].flags&frame.End != 0 {
			return all.String()
		}
		if len(got[0].value) != int(piece) {
			c.t.Fatalf("a piece has %d bytes, want %d", len(got[0].value), piece)
		}
		id = c.add(frame.ScanNext, handle, numbers(piece), "")
		c.submit()
	}
}

// give adds a piece of an archive to an import.
func (c *client) give(piece string) []response {
	c.t.Helper()
	id := c.add(frame.Import, 0, "", piece)
	c.submit()
	return c.await(id)
}

// filled returns a client whose store has some entries, and n of them in tables.
func filled(t *testing.T) *client {
	c := openClient(t, memfs.New())
	for i := range 300 {
		c.put(fmt.Sprintf("key%04d", i), strings.Repeat("v", i))
	}
	return c
}

func TestExportIsImportedAsItWas(t *testing.T) {
	c := filled(t)
	for _, piece := range []uint32{1000, 1 << 16} {
		archived := c.export(9, piece)
		to := newClient(t)
		to.open("import", "true", "errorIfExists", "true")
		for rest := archived; rest != ""; {
			n := min(len(rest), 777)
			checkValues(t, "piece", to.give(rest[:n]), "")
			rest = rest[n:]
		}
		checkValues(t, "the end", to.give(""), "")
		scan := func(c *client) string {
			id := c.addScan(3, scanOf{limit: frame.NoLimit, wanted: 1 << 20})
			c.submit()
			return fmt.Sprint(c.await(id))
		}
		if scan(to) != scan(c) {
			t.Error("the imported store has other entries")
		}
		to.put("key", "v")
		checkValues(t, "another import", to.give("x"), fmt.Sprintf("error %d", frame.InvalidArgument))
		checkValues(t, "close", to.do(frame.Close, 0, ""), "")
	}
}

func TestExportIsOfTheMomentOfItsCall(t *testing.T) {
	c := filled(t)
	id := c.add(frame.Export, 9, numbers(100), "")
	c.add(frame.Clear, 0, "", "")
	c.submit()
	archived := c.await(id)[0].value
	id = c.add(frame.ScanNext, 9, numbers(1<<20), "")
	c.submit()
	archived += c.await(id)[0].value
	checkValues(t, "get", c.do(frame.Get, 0, "key0003"), "-")
	to := newClient(t)
	to.open("import", "true")
	to.give(archived)
	to.give("")
	checkValues(t, "get of the import", to.do(frame.Get, 0, "key0003"), "vvv")
	to.do(frame.Close, 0, "")
}

func TestExportThatIsClosedHoldsNothing(t *testing.T) {
	c := filled(t)
	id := c.add(frame.Export, 9, numbers(100), "")
	c.submit()
	c.await(id)
	if open := c.session.db.Metrics().Iterators; open != 1 {
		t.Errorf("%d are open, want 1", open)
	}
	c.do(frame.ScanClose, 9, "")
	c.session.awaitIdle()
	if open := c.session.db.Metrics().Iterators; open != 0 {
		t.Errorf("%d are still open", open)
	}
	checkValues(t, "next", c.do(frame.ScanNext, 9, numbers(1)), fmt.Sprintf("error %d", frame.Closed))
	checkValues(t, "no size", c.do(frame.Export, 9, ""), fmt.Sprintf("error %d", frame.InvalidArgument))
	checkValues(t, "no handle", c.do(frame.Export, 0, numbers(1)), fmt.Sprintf("error %d", frame.InvalidArgument))
}

func TestImportThatFailsLeavesNoStore(t *testing.T) {
	archived := filled(t).export(9, 1<<16)
	damaged := []byte(archived)
	damaged[600] ^= 1
	for what, c := range map[string]struct {
		archived string
		want     frame.Code
	}{
		"damage":       {string(damaged), frame.Corrupt},
		"cut off":      {archived[:len(archived)/2], frame.Corrupt},
		"nothing":      {"", frame.InvalidArgument},
		"no archive":   {strings.Repeat("x", 5000), frame.InvalidArgument},
		"an empty one": {strings.Repeat("\x00", 1024), frame.InvalidArgument},
	} {
		to := newClient(t)
		medium := memfs.New()
		to.fs = keepOpen{medium}
		to.open("import", "true")
		got := []response{{code: frame.OK}}
		if c.archived != "" {
			got = to.give(c.archived)
		}
		if got[0].code == frame.OK {
			got = to.give("")
		}
		if got[0].code != c.want {
			t.Errorf("%s: %v", what, got)
		}
		checkValues(t, what, to.do(frame.Get, 0, "k"), fmt.Sprintf("error %d", frame.Closed))
		checkValues(t, what, to.give("more"), fmt.Sprintf("error %d", frame.Closed))
		if to.destroyed != 1 {
			t.Errorf("%s: %d stores were destroyed", what, to.destroyed)
		}
		to.open()
		checkValues(t, what, to.do(frame.Get, 0, "key0001"), "-")
		to.do(frame.Close, 0, "")
	}
}

func TestImportRefusesAStoreThatExists(t *testing.T) {
	archived := filled(t).export(9, 1<<16)
	medium := memfs.New()
	to := newClient(t)
	to.fs = keepOpen{medium}
	to.open()
	to.put("k", "mine")
	to.do(frame.Close, 0, "")
	to.open("import", "true")
	checkValues(t, "import", to.give(archived), fmt.Sprintf("error %d", frame.Exists))
	if to.destroyed != 0 {
		t.Error("the store was destroyed")
	}
	to.open()
	checkValues(t, "get", to.do(frame.Get, 0, "k"), "mine")
	to.do(frame.Close, 0, "")
}

// The archive's end is not that of the import: what gives it may fail behind that.
func TestCloseEndsAnImport(t *testing.T) {
	archived := filled(t).export(9, 1<<16)
	for _, given := range []int{2000, len(archived)} {
		to := newClient(t)
		medium := memfs.New()
		to.fs = keepOpen{medium}
		to.open("import", "true")
		checkValues(t, "piece", to.give(archived[:given]), "")
		checkValues(t, "close", to.do(frame.Close, 0, ""), "")
		lock, err := medium.Lock()
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
		if to.destroyed != 1 {
			t.Errorf("after %d bytes of %d, %d stores were destroyed", given, len(archived), to.destroyed)
		}
	}
}

// shrinkingFS loses the second half of its tables when it is told to.
type shrinkingFS struct {
	vfs.FS
	shrunken atomic.Bool
}

func (s *shrinkingFS) Open(name string) (vfs.Reader, error) {
	r, err := s.FS.Open(name)
	if err == nil && strings.HasSuffix(name, ".ldb") {
		r = shrinkingReader{r, s}
	}
	return r, err
}

type shrinkingReader struct {
	vfs.Reader
	fs *shrinkingFS
}

func (r shrinkingReader) ReadAt(p []byte, at int64) (int, error) {
	left := max(r.Size()/2-at, 0)
	if !r.fs.shrunken.Load() || left >= int64(len(p)) {
		return r.Reader.ReadAt(p, at)
	}
	n, err := r.Reader.ReadAt(p[:left], at)
	return n, cmp.Or(err, io.EOF)
}

func TestExportOfAFileThatLacksBytesFails(t *testing.T) {
	fs := &shrinkingFS{FS: memfs.New()}
	c := openClient(t, fs)
	c.put("key", strings.Repeat("v", 1000))
	c.do(frame.Compact, 0, "")
	fs.shrunken.Store(true)
	id := c.add(frame.Export, 9, numbers(1<<20), "")
	c.submit()
	if got := c.await(id); got[0].code == frame.OK {
		t.Errorf("the export has ended with %d bytes and no error", len(got[0].value))
	}
}

func TestImportReportsWhyThereIsNoFileSystem(t *testing.T) {
	c := newClient(t)
	c.openErr = vfs.ErrLocked
	checkValues(t, "open", c.await(c.askOpen("import", "true")), fmt.Sprintf("error %d", frame.Locked))
}

func TestImportIsDisturbedByNoOtherOpen(t *testing.T) {
	archived := filled(t).export(9, 1<<16)
	to := newClient(t)
	to.open("import", "true")
	refused := fmt.Sprintf("error %d", frame.InvalidArgument)
	checkValues(t, "open", to.await(to.askOpen())[:1], refused)
	checkValues(t, "another import", to.await(to.askOpen("import", "true"))[:1], refused)
	checkValues(t, "piece", to.give(archived), "")
	checkValues(t, "the end", to.give(""), "")
	checkValues(t, "get", to.do(frame.Get, 0, "key0003"), "vvv")
	checkValues(t, "close", to.do(frame.Close, 0, ""), "")
}
