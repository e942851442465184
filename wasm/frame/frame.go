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
//	           flag 1 keys only, 2 values only, 3 reverse
//	           entry 2: key: u32 snapshot handle,
//	           u32 limit (0xffffffff none), u32 bytes of
//	           the first answer
//	ScanNext   handle; key: u32 bytes wanted               entries (key, value), perhaps
//	                                                       none; end on the last
//	ScanClose  handle                                      empty
//	SnapOpen   handle of the new snapshot                  empty
//	SnapClose  handle                                      empty
//	Flush      -                                           empty
//	Compact    range                                       empty
//	Stats      -                                           entries (name, text)
//	Verify     -                                           entries (name, text)
//	Destroy    key: store name                             empty
//	List       -                                           an entry a store (key: name)
//
// A range is two byte strings in the header's key and value: lower bound (inclusive) and upper
// bound (exclusive). Flag bit 4 says that there is an upper bound; without it the range is
// open. An empty lower bound bounds nothing.
//
// A response that is an error has the status and one or more entries (name, text): the first
// is ("message", text), the others are the error's fields.
package frame
