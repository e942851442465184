package frame

// Responses collects responses into a frame. The zero value is an empty one.
//
// Headers and payload grow in two buffers, so that neither is moved for the other. A
// frame is the first followed by the second.
type Responses struct {
	head []byte
	body []byte
}

// maxKept bounds the buffers that are kept for the next frame.
const maxKept = 1 << 20

// Empty reports whether there is no response.
func (w *Responses) Empty() bool { return len(w.head) == 0 }

// Len returns the length of the frame in bytes.
func (w *Responses) Len() int { return len(w.head) + len(w.body) }

// Frame returns the frame in two parts. They hold until the next call of another method.
func (w *Responses) Frame() (head, body []byte) {
	if w.Empty() {
		w.head = append(w.head, 0, 0, 0, 0)
	}
	order.PutUint32(w.head, uint32((len(w.head)-countLen)/headerLen))
	return w.head, w.body
}

// Reset empties the frame.
func (w *Responses) Reset() {
	w.head, w.body = reuse(w.head), reuse(w.body)
}

func reuse(buffer []byte) []byte {
	if cap(buffer) > maxKept {
		return nil
	}
	return buffer[:0]
}

// Add adds a header with its bytes. The ASCII flags are Add's to set.
func (w *Responses) Add(id uint32, status Code, flags Flags, key, value []byte) {
	w.body = append(append(w.body, key...), value...)
	if isASCII(key) {
		flags |= KeyASCII
	}
	if isASCII(value) {
		flags |= ValueASCII
	}
	w.header(id, status, flags, len(key), len(value))
}

// Tail returns the payload, for a value to be appended to it and given to AddTail.
func (w *Responses) Tail() []byte { return w.body }

// AddTail adds a header for the value by which tail is longer than what Tail returned.
func (w *Responses) AddTail(id uint32, flags Flags, tail []byte) {
	value := tail[len(w.body):]
	flags |= KeyASCII
	if isASCII(value) {
		flags |= ValueASCII
	}
	w.body = tail
	w.header(id, OK, flags, 0, len(value))
}

// Mark is a place in a frame under construction.
type Mark struct{ head, body int }

// Mark returns the present end, to which Truncate can go back.
func (w *Responses) Mark() Mark { return Mark{len(w.head), len(w.body)} }

// Truncate drops what was added since the mark.
func (w *Responses) Truncate(m Mark) {
	w.head, w.body = w.head[:m.head], w.body[:m.body]
}

// AddAll moves the responses of another frame to this one.
func (w *Responses) AddAll(o *Responses) {
	if o.Empty() {
		return
	}
	if w.Empty() {
		// A large answer need not be copied.
		*w, *o = *o, *w
		return
	}
	w.head = append(w.head, o.head[countLen:]...)
	w.body = append(w.body, o.body...)
	o.Reset()
}

// EndLast sets flags in the last header and unlinks it from what would follow.
func (w *Responses) EndLast(flags Flags) {
	at := len(w.head) - headerLen + 1
	w.head[at] = w.head[at]&^byte(More) | byte(flags)
}

func (w *Responses) begin() {
	if len(w.head) == 0 {
		w.head = append(w.head, 0, 0, 0, 0)
	}
}

func (w *Responses) header(id uint32, status Code, flags Flags, keyLen, valueLen int) {
	w.begin()
	at := len(w.head)
	w.head = append(w.head, make([]byte, headerLen)...)
	h := w.head[at : at+headerLen]
	h[0], h[1] = byte(status), byte(flags)
	order.PutUint32(h[4:], id)
	order.PutUint32(h[12:], uint32(keyLen))
	order.PutUint32(h[16:], uint32(valueLen))
}

func isASCII(s []byte) bool {
	const high = 0x8080808080808080
	for len(s) >= 32 {
		if (order.Uint64(s)|order.Uint64(s[8:])|order.Uint64(s[16:])|order.Uint64(s[24:]))&high != 0 {
			return false
		}
		s = s[32:]
	}
	for len(s) >= 8 {
		if order.Uint64(s)&high != 0 {
			return false
		}
		s = s[8:]
	}
	for _, c := range s {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
