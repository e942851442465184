// Package frame is the packed form in which requests cross from JavaScript to the engine,
// and responses back. It knows nothing of JavaScript or of the engine, so that it is tested
// and fuzzed natively.
//
// All numbers are little-endian. A frame is a column of fixed headers, then all bytes of all
// headers in the same order, without gaps, so that a host can join many strings and
// encode them in one call, and find each by adding lengths.
//
//	frame    u32 count | count headers of 20 bytes | payload
//
//	request header
//	  u8  op
//	  u8  flags        bit 0 more: the next header belongs to the same request
//	                   others: see the op
//	  u8  durability   0 the store's, 1 strict, 2 relaxed, 3 deferred
//	  u8  zero
//	  u32 id           chosen by the client, not zero; all headers of a request have it
//	  u32 handle       of a snapshot or a scan, chosen by the client; 0: none
//	  u32 keyLen       bytes of payload
//	  u32 valueLen     bytes of payload, behind the key's
//
//	response header
//	  u8  status       0 ok, else a Code
//	  u8  flags        bit 0 more: the next header belongs to the same response
//	                   bit 1 the key's bytes are all ASCII
//	                   bit 2 the value's bytes are all ASCII
//	                   bit 3 absent: there is no value (get, getMany, has)
//	                   bit 4 end: a scan has no further entries, its handle is free
//	  u16 zero
//	  u32 id           of the request
//	  u32 zero
//	  u32 keyLen
//	  u32 valueLen
//
// Requests of one frame take effect in their order. Responses come in any order, in any
// later frame, but the headers of one response are never split over frames.
//
// The payloads of each op ("entries" are headers linked by more):
//
//	op         request                                     response, when ok
//	Open       key: store name; then entries (name, text)  entries (name, text) as Stats
//	           of options
//	Close      -                                           empty
//	Get        key                                         value, or absent
//	           linked by more: getMany                     an entry a key, in order
//	Has        key                                         empty, or absent
//	Put        key, value                                  empty
//	Del        key                                         empty
//	           Put and Del linked by more: one batch       empty
//	Clear      range                                       empty
//	ScanOpen   range; handle of the new scan               as ScanNext
//	           bit 1 keys only, 2 values only, 3 reverse
//	           entry 2: key: u32 snapshot handle,
//	           u32 limit (0xffffffff none), u32 bytes of
//	           the first answer
//	ScanNext   handle; key: u32 bytes wanted               entries (key, value), end on the
//	                                                       last; if there are none, one
//	                                                       header with absent and end
//	ScanClose  handle                                      empty
//	SnapOpen   handle of the new snapshot                  empty
//	SnapClose  handle                                      empty
//	Flush      -                                           empty: all writes are strict
//	Compact    range                                       empty
//	Stats      -                                           entries (name, text)
//	Verify     -                                           entries (name, text)
//	Destroy    key: store name                             empty
//	List       -                                           an entry a store (key: name)
//	Export     handle of the new scan;                     as ScanNext; the values of the
//	           key: u32 bytes of the first answer          entries make an archive of the store
//	Import     value: bytes of the archive that            empty, when they have been taken
//	           an Open with option import began;
//	           none: it ends here, and the store opens
//
// A range is two byte strings in the header's key and value: lower bound (inclusive) and upper
// bound (exclusive). Flag bit 4 says that there is an upper bound; without it the range is
// open. An empty lower bound bounds nothing.
//
// A response that is an error has the status and one or more entries (name, text): the first
// is ("message", text), the others are the error's fields.
//
// Requests and Responses are for one goroutine at a time. The files in testdata are frames
// that the codecs of both sides are tested with.
package frame

import "encoding/binary"

const (
	countLen  = 4
	headerLen = 20
)

var order = binary.LittleEndian

// Op says what a request wants.
type Op uint8

// The ops, with the numbers they have in a frame.
const (
	Open Op = iota + 1
	Close
	Get
	Has
	Put
	Del
	Clear
	ScanOpen
	ScanNext
	ScanClose
	SnapOpen
	SnapClose
	Flush
	Compact
	Stats
	Verify
	Destroy
	List
	Export
	Import
	endOfOps
)

// Flags of a header; what they mean is in the package comment.
type Flags uint8

// More is the flag of requests and responses alike.
const More Flags = 1 << 0

// The flags of requests.
const (
	KeysOnly   Flags = 1 << 1
	ValuesOnly Flags = 1 << 2
	Reverse    Flags = 1 << 3
	UpperBound Flags = 1 << 4
)

// The flags of responses.
const (
	KeyASCII   Flags = 1 << 1
	ValueASCII Flags = 1 << 2
	Absent     Flags = 1 << 3
	End        Flags = 1 << 4
)

// Code is the status of a response.
type Code uint8

// The codes. JavaScript knows all but OK by these names.
const (
	OK Code = iota
	Closed
	Locked
	NoSpace
	Corrupt
	InvalidArgument
	NotFound
	Exists
	Aborted
	Unsupported
	IO
)

// Durability is what a write asks for.
type Durability uint8

// The durabilities.
const (
	DefaultDurability Durability = iota
	Strict
	Relaxed
	Deferred
	endOfDurabilities
)

// NoLimit is the limit of a scan that has none.
const NoLimit = 1<<32 - 1
