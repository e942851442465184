package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// maxWanted bounds the bytes of one answer: a read must not keep others waiting for long.
const maxWanted = 1 << 20

// scan is an open scan. Its source belongs to the one goroutine that reads, while there is one.
type scan struct {
	source
	answer  frame.Responses // that is being made
	reading bool
	closed  bool // by the client, while it is being read
}

// source is what a scan reads from.
type source interface {
	// fill adds entries to the answer of a request, about as many bytes as are wanted; ended says
	// that these were the last.
	fill(answer *frame.Responses, id uint32, wanted int) (ended bool, err error)

	io.Closer
}

// cursor is the source of a scan over entries.
type cursor struct {
	*engine.Iterator
	flags     frame.Flags
	remaining uint32 // of its limit
	started   bool
}

// openScan makes the iterator, whose moment is this call, and answers with the first entries: from
// memory if that is possible, and in a goroutine otherwise.
func (s *Session) openScan(r *frame.Request) bool {
	if len(r.Entries) != 2 || len(r.Entries[1].Key) != 12 || wantedOf(r.Entries[1].Key[8:]) == 0 {
		s.fail(r.ID, fmt.Errorf("%w: malformed scan", engine.ErrInvalidArgument))
		return true
	}
	e, details := &r.Entries[0], r.Entries[1].Key
	v := s.viewOf(binary.LittleEndian.Uint32(details))
	if v == nil {
		s.fail(r.ID, unknownHandle("snapshot", binary.LittleEndian.Uint32(details)))
		return true
	}
	if !s.isFree(r) {
		return true
	}
	lower, upper := bounds(e)
	iterator, err := v.NewIterator(engine.IterOptions{Lower: lower, Upper: upper})
	if err != nil {
		s.fail(r.ID, err)
		return true
	}
	c := &cursor{Iterator: iterator, flags: e.Flags, remaining: binary.LittleEndian.Uint32(details[4:])}
	if wanted := wantedOf(details[8:]); !s.tryScan(r.ID, r.Handle, c, wanted) {
		s.beginScan(r.ID, r.Handle, c, wanted)
	}
	return true
}

// tryScan is beginScan that answers at once, unless it would have to wait: then it does nothing.
func (s *Session) tryScan(id, handle uint32, c *cursor, wanted uint32) bool {
	before, unread := s.out.Mark(), *c
	c.Try(true)
	ended, err := c.fill(&s.out, id, int(min(wanted, maxWanted)))
	c.Try(false)
	if err != nil {
		s.out.Truncate(before)
		if errors.Is(err, engine.ErrWouldWait) {
			*c = unread
			return false
		}
		s.fail(id, err)
	}
	if ended || err != nil {
		// What it has read is what the store is now: to close it takes no lock.
		_ = c.Close()
	} else {
		s.scans[handle] = &scan{source: c}
	}
	return true
}

// isFree fails the request unless its handle may name a new scan.
func (s *Session) isFree(r *frame.Request) bool {
	if r.Handle == 0 || s.scans[r.Handle] != nil {
		s.fail(r.ID, fmt.Errorf("%w: scan %d is in use", engine.ErrInvalidArgument, r.Handle))
		return false
	}
	return true
}

func (s *Session) beginScan(id, handle uint32, from source, wanted uint32) {
	sc := &scan{source: from, answer: s.spare}
	s.spare = frame.Responses{}
	s.scans[handle] = sc
	s.readScan(id, handle, sc, wanted)
}

func (s *Session) nextOfScan(r *frame.Request) {
	sc := s.scans[r.Handle]
	switch {
	case sc == nil:
		s.fail(r.ID, unknownHandle("scan", r.Handle))
	case sc.reading || wantedOf(r.Entries[0].Key) == 0:
		s.fail(r.ID, fmt.Errorf("%w: scan %d is being read, or no bytes of it are wanted", engine.ErrInvalidArgument, r.Handle))
	default:
		s.readScan(r.ID, r.Handle, sc, wantedOf(r.Entries[0].Key))
	}
}

// wantedOf returns the number of bytes that a request wants, or 0 if it is malformed: an answer
// without any would say that the scan has ended.
func wantedOf(number []byte) uint32 {
	if len(number) != 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(number)
}

func (s *Session) closeScan(r *frame.Request) {
	if sc := s.scans[r.Handle]; sc != nil {
		s.dropScan(r.Handle, sc)
	}
	s.respond(r.ID)
}

// dropScan frees the handle, and the source as soon as nobody reads.
func (s *Session) dropScan(handle uint32, sc *scan) {
	delete(s.scans, handle)
	sc.closed = true
	if !sc.reading {
		s.release(sc.source)
	}
}

// readScan answers with about as many bytes of entries as are wanted.
func (s *Session) readScan(id, handle uint32, sc *scan, wanted uint32) {
	sc.reading = true
	s.read(nil, func() {
		ended, err := sc.fill(&sc.answer, id, int(min(wanted, maxWanted)))
		s.mu.Lock()
		defer s.mu.Unlock()
		sc.reading = false
		if err != nil {
			sc.answer.Reset()
			s.fail(id, err)
		} else {
			s.out.AddAll(&sc.answer)
		}
		switch {
		case sc.closed:
			s.release(sc.source)
		case ended || err != nil:
			s.dropScan(handle, sc)
			s.spare = sc.answer
		}
	})
}

func (c *cursor) fill(entries *frame.Responses, id uint32, wanted int) (ended bool, err error) {
	valid := c.remaining > 0 && c.begin()
	start := entries.Len()
	for valid && c.remaining > 0 && entries.Len()-start < wanted {
		var key, value []byte
		if c.flags&frame.ValuesOnly == 0 {
			key = c.Key()
		}
		if c.flags&frame.KeysOnly == 0 {
			value = c.Value()
		}
		entries.Add(id, frame.OK, frame.More, key, value)
		c.remaining--
		if c.remaining > 0 {
			valid = c.next()
		}
	}
	if err := c.Error(); err != nil {
		return true, err
	}
	ended = !valid || c.remaining == 0
	switch {
	case entries.Len() == start:
		entries.Add(id, frame.OK, frame.Absent|frame.End, nil, nil)
	case ended:
		entries.EndLast(frame.End)
	default:
		entries.EndLast(0)
	}
	return ended, nil
}

// begin moves to the first entry that has not been shown.
func (c *cursor) begin() bool {
	switch {
	case c.started:
		return c.Valid()
	case c.flags&frame.Reverse != 0:
		c.started = true
		return c.Last()
	}
	c.started = true
	return c.First()
}

func (c *cursor) next() bool {
	if c.flags&frame.Reverse != 0 {
		return c.Prev()
	}
	return c.Next()
}
