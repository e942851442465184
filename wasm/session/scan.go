package session

import (
	"encoding/binary"
	"fmt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// maxWanted bounds the bytes of one answer: a read must not keep others waiting for long.
const maxWanted = 1 << 20

// scan is an open scan. Its iterator belongs to the one goroutine that reads, while there is
// one.
type scan struct {
	iterator  *engine.Iterator
	entries   frame.Responses // of the answer that is being made
	flags     frame.Flags
	remaining uint32 // of its limit
	started   bool
	reading   bool
	closed    bool // by the client, while it is being read
}

// openScan makes the iterator, whose moment is this call, and begins to read.
func (s *Session) openScan(r *frame.Request) bool {
	if len(r.Entries) != 2 || len(r.Entries[1].Key) != 12 {
		s.fail(r.ID, fmt.Errorf("%w: malformed scan", engine.ErrInvalidArgument))
		return true
	}
	e, details := &r.Entries[0], r.Entries[1].Key
	v := s.viewOf(binary.LittleEndian.Uint32(details))
	if v == nil {
		s.fail(r.ID, unknownHandle("snapshot", binary.LittleEndian.Uint32(details)))
		return true
	}
	if r.Handle == 0 || s.scans[r.Handle] != nil {
		s.fail(r.ID, fmt.Errorf("%w: scan %d is in use", engine.ErrInvalidArgument, r.Handle))
		return true
	}
	lower, upper := bounds(e)
	iterator, err := v.NewIterator(engine.IterOptions{Lower: lower, Upper: upper})
	if err != nil {
		s.fail(r.ID, err)
		return true
	}
	sc := &scan{iterator: iterator, flags: e.Flags, remaining: binary.LittleEndian.Uint32(details[4:])}
	s.scans[r.Handle] = sc
	s.readScan(r.ID, r.Handle, sc, binary.LittleEndian.Uint32(details[8:]))
	return true
}

func (s *Session) nextOfScan(r *frame.Request) {
	sc := s.scans[r.Handle]
	switch {
	case sc == nil:
		s.fail(r.ID, unknownHandle("scan", r.Handle))
	case sc.reading || len(r.Entries[0].Key) != 4:
		s.fail(r.ID, fmt.Errorf("%w: scan %d is being read", engine.ErrInvalidArgument, r.Handle))
	default:
		s.readScan(r.ID, r.Handle, sc, binary.LittleEndian.Uint32(r.Entries[0].Key))
	}
}

func (s *Session) closeScan(r *frame.Request) {
	if sc := s.scans[r.Handle]; sc != nil {
		s.dropScan(r.Handle, sc)
	}
	s.respond(r.ID)
}

// dropScan frees the handle, and the iterator as soon as nobody reads.
func (s *Session) dropScan(handle uint32, sc *scan) {
	delete(s.scans, handle)
	sc.closed = true
	if !sc.reading {
		s.release(sc.iterator)
	}
}

// readScan answers with about as many bytes of entries as are wanted.
func (s *Session) readScan(id, handle uint32, sc *scan, wanted uint32) {
	sc.reading = true
	s.read(nil, func() {
		ended, err := sc.fill(id, int(min(wanted, maxWanted)))
		s.mu.Lock()
		defer s.mu.Unlock()
		sc.reading = false
		if err != nil {
			sc.entries.Reset()
			s.fail(id, err)
		} else {
			s.out.AddAll(&sc.entries)
		}
		switch {
		case sc.closed:
			s.release(sc.iterator)
		case ended || err != nil:
			s.dropScan(handle, sc)
		}
	})
}

// fill adds entries until there are wanted bytes; ended says that these were the last.
func (sc *scan) fill(id uint32, wanted int) (ended bool, err error) {
	entries := &sc.entries
	valid := sc.remaining > 0 && sc.begin()
	for valid && sc.remaining > 0 && entries.Len() < wanted {
		var key, value []byte
		if sc.flags&frame.ValuesOnly == 0 {
			key = sc.iterator.Key()
		}
		if sc.flags&frame.KeysOnly == 0 {
			value = sc.iterator.Value()
		}
		entries.Add(id, frame.OK, frame.More, key, value)
		sc.remaining--
		if sc.remaining > 0 {
			valid = sc.next()
		}
	}
	if err := sc.iterator.Error(); err != nil {
		return true, err
	}
	ended = !valid || sc.remaining == 0
	switch {
	case entries.Empty():
		entries.Add(id, frame.OK, frame.Absent|frame.End, nil, nil)
	case ended:
		entries.EndLast(frame.End)
	default:
		entries.EndLast(0)
	}
	return ended, nil
}

// begin moves to the first entry that has not been shown.
func (sc *scan) begin() bool {
	switch {
	case sc.started:
		return sc.iterator.Valid()
	case sc.flags&frame.Reverse != 0:
		sc.started = true
		return sc.iterator.Last()
	}
	sc.started = true
	return sc.iterator.First()
}

func (sc *scan) next() bool {
	if sc.flags&frame.Reverse != 0 {
		return sc.iterator.Prev()
	}
	return sc.iterator.Next()
}
