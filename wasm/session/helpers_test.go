package session

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

// client is a host and a client in one: it builds frames and collects responses.
type client struct {
	t       testing.TB
	fs      vfs.FS // of the next Open
	openErr error

	destroyed int // stores

	session *Session
	frame   []byte // headers of the frame under construction
	payload []byte
	count   uint32
	lastID  uint32

	mu        sync.Mutex
	arrived   *sync.Cond
	responses map[uint32][]response
	frames    int // that have arrived
}

// response is one header of a response.
type response struct {
	code       frame.Code
	flags      frame.Flags
	key, value string
}

func (r response) String() string {
	return fmt.Sprintf("{code %d flags %05b %q: %q}", r.code, r.flags, r.key, r.value)
}

func newClient(t testing.TB) *client {
	c := &client{t: t, fs: memfs.New(), responses: map[uint32][]response{}}
	c.arrived = sync.NewCond(&c.mu)
	c.session = New(c)
	return c
}

// openClient returns a client with an open store, which is closed and checked at the end.
func openClient(t testing.TB, fs vfs.FS, options ...string) *client {
	t.Helper()
	c := newClient(t)
	c.fs = fs
	c.open(options...)
	t.Cleanup(func() {
		if got := c.do(frame.Close, 0, ""); got[0].code != frame.OK {
			t.Errorf("close: %v", got)
		}
	})
	return c
}

func (c *client) open(options ...string) {
	c.t.Helper()
	if got := c.await(c.askOpen(options...)); got[0].code != frame.OK {
		c.t.Fatalf("open: %v", got)
	}
}

// askOpen submits an Open with options as names and texts in turn.
func (c *client) askOpen(options ...string) (id uint32) {
	id = c.newID()
	c.header(frame.Open, id, 0, moreIf(len(options) > 0), 0, "store", "")
	for i := 0; i < len(options); i += 2 {
		c.header(frame.Open, id, 0, moreIf(i+2 < len(options)), 0, options[i], options[i+1])
	}
	c.submit()
	return id
}

func (c *client) OpenFS(_, _ string, _ bool, _ int64) (vfs.FS, error) { return c.fs, c.openErr }
func (c *client) List() ([]string, error)                             { return []string{"a", "b"}, nil }
func (c *client) Yield()                                              {}

func (c *client) Destroy(string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.destroyed++
	return nil
}

func (c *client) Respond(head, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames++
	for at := 4; at < len(head); at += 20 {
		h := head[at : at+20]
		key := binary.LittleEndian.Uint32(h[12:])
		value := binary.LittleEndian.Uint32(h[16:])
		id := binary.LittleEndian.Uint32(h[4:])
		flags := frame.Flags(h[1]) &^ (frame.KeyASCII | frame.ValueASCII)
		c.responses[id] = append(c.responses[id],
			response{frame.Code(h[0]), flags, string(body[:key]), string(body[key : key+value])})
		body = body[key+value:]
	}
	c.arrived.Broadcast()
}

func (c *client) newID() uint32 {
	c.lastID++
	return c.lastID
}

func (c *client) header(op frame.Op, id, handle uint32, flags frame.Flags, d frame.Durability, key, value string) {
	c.count++
	c.frame = append(c.frame, byte(op), byte(flags), byte(d), 0)
	for _, n := range []uint32{id, handle, uint32(len(key)), uint32(len(value))} {
		c.frame = binary.LittleEndian.AppendUint32(c.frame, n)
	}
	c.payload = append(append(c.payload, key...), value...)
}

// add adds a request of one header to the frame.
func (c *client) add(op frame.Op, handle uint32, key, value string) (id uint32) {
	id = c.newID()
	c.header(op, id, handle, 0, 0, key, value)
	return id
}

func (c *client) addGetMany(handle uint32, keys ...string) (id uint32) {
	id = c.newID()
	for i, key := range keys {
		c.header(frame.Get, id, handle, moreIf(i+1 < len(keys)), 0, key, "")
	}
	return id
}

// scanOf is what a ScanOpen asks for.
type scanOf struct {
	lower, upper string
	flags        frame.Flags
	snapshot     uint32
	limit        uint32
	wanted       uint32
}

func (c *client) addScan(handle uint32, s scanOf) (id uint32) {
	id = c.newID()
	if s.upper != "" {
		s.flags |= frame.UpperBound
	}
	c.header(frame.ScanOpen, id, handle, s.flags|frame.More, 0, s.lower, s.upper)
	c.header(frame.ScanOpen, id, handle, 0, 0, numbers(s.snapshot, s.limit, s.wanted), "")
	return id
}

func numbers(all ...uint32) string {
	var b []byte
	for _, n := range all {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return string(b)
}

// take returns the frame under construction, and begins the next.
func (c *client) take() []byte {
	data := append(binary.LittleEndian.AppendUint32(nil, c.count), append(c.frame, c.payload...)...)
	c.frame, c.payload, c.count = nil, nil, 0
	return data
}

// submit hands over the frame under construction, and spoils it afterwards.
func (c *client) submit() {
	c.t.Helper()
	data := c.take()
	if _, err := c.session.Submit(data); err != nil {
		c.t.Fatal(err)
	}
	copy(data, bytes.Repeat([]byte{0xee}, len(data)))
}

// do submits a frame of one request and awaits its response.
func (c *client) do(op frame.Op, handle uint32, key string) []response {
	c.t.Helper()
	id := c.add(op, handle, key, "")
	c.submit()
	return c.await(id)
}

func (c *client) put(key, value string) {
	c.t.Helper()
	id := c.add(frame.Put, 0, key, value)
	c.submit()
	if got := c.await(id); got[0].code != frame.OK {
		c.t.Fatalf("put %q: %v", key, got)
	}
}

// await returns the headers of a response, which arrive together.
func (c *client) await(id uint32) []response {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.responses[id] == nil {
		c.arrived.Wait()
	}
	return c.responses[id]
}

func (c *client) answered(id uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.responses[id] != nil
}

// values renders the values of a response, "-" for those that are absent.
func values(all []response) []string {
	var texts []string
	for _, r := range all {
		switch {
		case r.code != frame.OK:
			texts = append(texts, fmt.Sprintf("error %d", r.code))
		case r.flags&frame.Absent != 0:
			texts = append(texts, "-")
		default:
			texts = append(texts, r.value)
		}
	}
	return texts
}

func moreIf(more bool) frame.Flags {
	if more {
		return frame.More
	}
	return 0
}
