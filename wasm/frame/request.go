package frame

import (
	"bytes"
	"fmt"
)

// Request is one request of a frame. Its slices share the frame's memory.
type Request struct {
	Op         Op
	Durability Durability
	ID         uint32
	Handle     uint32
	Entries    []Entry // one for each header, at least one
}

// Entry is what one header of a request brings. The ops of a batch's entries differ.
type Entry struct {
	Op         Op
	Flags      Flags
	Key, Value []byte
}

// Requests walks the requests of a frame. It stands on the first when it is made.
type Requests struct {
	headers []byte
	payload []byte
	request Request
	width   int // bytes of headers that the current request takes
	length  int // bytes of payload that it takes
}

// ParseRequests checks a whole frame. The result shares its memory.
func ParseRequests(data []byte) (*Requests, error) {
	r := &Requests{}
	if err := r.Reset(data); err != nil {
		return nil, err
	}
	return r, nil
}

// Reset walks another frame, as ParseRequests does, with what memory r has. If that fails, r is
// empty.
func (r *Requests) Reset(data []byte) error {
	r.headers, r.payload = nil, nil
	if len(data) < countLen {
		return fmt.Errorf("request frame of %d bytes has no count", len(data))
	}
	count := uint64(order.Uint32(data))
	if count*headerLen > uint64(len(data)-countLen) {
		return fmt.Errorf("request frame of %d bytes is too short for %d headers", len(data), count)
	}
	end := countLen + int(count)*headerLen
	headers, payload := data[countLen:end], data[end:]
	if err := check(headers, payload); err != nil {
		return err
	}
	r.headers, r.payload = headers, payload
	if cap(r.request.Entries) > maxEntriesKept {
		r.request.Entries = nil
	}
	r.decode()
	return nil
}

// maxEntriesKept bounds the entries that Reset keeps room for.
const maxEntriesKept = 1 << 12

// check makes sure that decode finds nothing unexpected.
func check(headers, payload []byte) error {
	var total uint64
	linked := false
	var id uint32
	for at := 0; at < len(headers); at += headerLen {
		h := headers[at : at+headerLen]
		switch {
		case h[0] == 0 || Op(h[0]) >= endOfOps:
			return fmt.Errorf("request header %d: unknown op %d", at/headerLen, h[0])
		case Durability(h[2]) >= endOfDurabilities:
			return fmt.Errorf("request header %d: unknown durability %d", at/headerLen, h[2])
		case order.Uint32(h[4:]) == 0:
			return fmt.Errorf("request header %d: no id", at/headerLen)
		case linked && order.Uint32(h[4:]) != id:
			return fmt.Errorf("request header %d: linked to one of another id", at/headerLen)
		}
		id = order.Uint32(h[4:])
		linked = Flags(h[1])&More != 0
		total += uint64(order.Uint32(h[12:])) + uint64(order.Uint32(h[16:]))
	}
	if linked {
		return fmt.Errorf("the last request header has a successor")
	}
	if total != uint64(len(payload)) {
		return fmt.Errorf("request headers tell of %d bytes, there are %d", total, len(payload))
	}
	return nil
}

// Valid reports whether there is a current request.
func (r *Requests) Valid() bool { return len(r.headers) > 0 }

// Request returns the current request. It holds until Next is called.
func (r *Requests) Request() *Request { return &r.request }

// Next moves to the next request, if there is one.
func (r *Requests) Next() {
	r.headers = r.headers[r.width:]
	r.payload = r.payload[r.length:]
	r.decode()
}

// Single is a request of one header.
type Single struct {
	ID  uint32
	Key []byte
}

// Singles appends to dst the current request and those behind it as long as they are like it: of one
// header, with its op and its handle.
func (r *Requests) Singles(dst []Single) []Single {
	payload := r.payload
	for at := 0; at < len(r.headers); at += headerLen {
		h := r.headers[at : at+headerLen]
		if Op(h[0]) != r.request.Op || Flags(h[1])&More != 0 || order.Uint32(h[8:]) != r.request.Handle {
			break
		}
		keyLen := order.Uint32(h[12:])
		dst = append(dst, Single{order.Uint32(h[4:]), payload[:keyLen:keyLen]})
		payload = payload[keyLen+order.Uint32(h[16:]):]
	}
	return dst
}

// Skip moves over so many requests of one header.
func (r *Requests) Skip(n int) {
	r.width, r.length = n*headerLen, 0
	for at := 0; at < r.width; at += headerLen {
		r.length += int(order.Uint32(r.headers[at+12:])) + int(order.Uint32(r.headers[at+16:]))
	}
	r.Next()
}

// Clone returns a walk of its own memory over the current request and those behind it.
func (r *Requests) Clone() *Requests {
	c := &Requests{headers: bytes.Clone(r.headers), payload: bytes.Clone(r.payload)}
	c.decode()
	return c
}

func (r *Requests) decode() {
	r.width, r.length = 0, 0
	r.request.Entries = r.request.Entries[:0]
	for more := r.Valid(); more; {
		h := r.headers[r.width : r.width+headerLen]
		if r.width == 0 {
			r.request.Op = Op(h[0])
			r.request.Durability = Durability(h[2])
			r.request.ID = order.Uint32(h[4:])
			r.request.Handle = order.Uint32(h[8:])
		}
		e := Entry{Op: Op(h[0]), Flags: Flags(h[1])}
		e.Key = r.take(order.Uint32(h[12:]))
		e.Value = r.take(order.Uint32(h[16:]))
		r.request.Entries = append(r.request.Entries, e)
		r.width += headerLen
		more = e.Flags&More != 0
	}
}

func (r *Requests) take(n uint32) []byte {
	end := r.length + int(n)
	taken := r.payload[r.length:end:end]
	r.length = end
	return taken
}
