package archive

import (
	"bytes"
	"strings"
)

const blockSize = 512

// The kinds of members, as their headers name them.
const (
	plainFile   = '0'
	oldFile     = 0
	directory   = '5'
	gnuLongName = 'L' // its content is the name of the next member
	paxRecords  = 'x' // its content has attributes of the next member
	paxGlobals  = 'g'
)

// header is the first block of a member.
type header [blockSize]byte

// newHeader returns the header of a plain file. The name is at most 100 bytes long.
func newHeader(name string, size, mtime int64) *header {
	var h header
	copy(h[:100], name)
	h.setNumber(100, 8, 0o644)
	h.setNumber(108, 8, 0)
	h.setNumber(116, 8, 0)
	h.setNumber(124, 12, size)
	h.setNumber(136, 12, mtime)
	h[156] = plainFile
	copy(h[257:], "ustar\x0000")
	h.setNumber(148, 7, h.checksum())
	h[155] = ' '
	return &h
}

// setNumber writes a field of digits, the last of its bytes zero.
func (h *header) setNumber(at, width int, n int64) {
	for i := at + width - 2; i >= at; i-- {
		h[i] = '0' + byte(n&7)
		n >>= 3
	}
}

func (h *header) checksum() (sum int64) {
	for i, c := range h {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
	}
	return sum
}

// number reads a field of digits.
func (h *header) number(at, width int) (n int64, ok bool) {
	for _, c := range h[at : at+width] {
		switch {
		case c >= '0' && c <= '7':
			n, ok = n<<3|int64(c-'0'), true
		case c != ' ' && c != 0:
			return 0, false
		}
	}
	return n, ok && n >= 0
}

// whole reports whether the header is one, and as it was written.
func (h *header) whole() bool {
	sum, ok := h.number(148, 8)
	return ok && sum == h.checksum()
}

func (h *header) empty() bool { return *h == header{} }

func (h *header) kind() byte { return h[156] }

// name returns the last part of the member's path, which is all that matters here.
func (h *header) name() string {
	return lastPart(upTo(h[:100], 0))
}

// upTo returns what lies before the first end, or all.
func upTo(text []byte, end byte) string {
	if i := bytes.IndexByte(text, end); i >= 0 {
		text = text[:i]
	}
	return string(text)
}

// lastPart returns the name that a path ends in; empty if it ends in a slash.
func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// padding returns the number of bytes behind a content of that size.
func padding(size int64) int64 { return -size & (blockSize - 1) }
