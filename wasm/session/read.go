package session

import (
	"bytes"
	"errors"
	"io"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// view is what is read from: the store or a snapshot.
type view interface {
	TryGet(dst, key []byte) ([]byte, error)
	TryGetMany(keys [][]byte, visit func(value []byte, err error))
	NewIterator(o engine.IterOptions) (*engine.Iterator, error)
}

// viewOf returns what a request with this handle reads from, or nil.
func (s *Session) viewOf(handle uint32) view {
	if handle == 0 {
		return s.db
	}
	if m := s.snapshots[handle]; m != nil {
		return m
	}
	return nil
}

// momentOf returns the moment in which a request with this handle reads if it has to wait. The
// caller is to leave it.
func (s *Session) momentOf(handle uint32) (*moment, error) {
	if handle == 0 {
		return s.now()
	}
	m := s.snapshots[handle]
	m.users++
	return m, nil
}

// refuse answers a request that could not take effect, unless it is to be tried again.
func (s *Session) refuse(id uint32, err error) (served bool) {
	if s.blocked != nil {
		return false
	}
	s.fail(id, err)
	return true
}

func (s *Session) has(r *frame.Request) bool {
	v := s.viewOf(r.Handle)
	if v == nil {
		s.fail(r.ID, unknownHandle("snapshot", r.Handle))
		return true
	}
	// The value is not wanted: what TryGet appends behind the payload is overwritten.
	_, err := v.TryGet(s.out.Tail(), r.Entries[0].Key)
	switch {
	case err == nil:
		s.respond(r.ID)
	case errors.Is(err, engine.ErrNotFound):
		s.out.Add(r.ID, frame.OK, frame.Absent, nil, nil)
	case errors.Is(err, engine.ErrWouldWait):
		return s.hasWaiting(r)
	default:
		s.fail(r.ID, err)
	}
	return true
}

func (s *Session) hasWaiting(r *frame.Request) bool {
	m, err := s.momentOf(r.Handle)
	if err != nil {
		return s.refuse(r.ID, err)
	}
	id, key := r.ID, bytes.Clone(r.Entries[0].Key)
	s.read(m, func() {
		found, err := m.Has(key)
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case err != nil:
			s.fail(id, err)
		case found:
			s.respond(id)
		default:
			s.out.Add(id, frame.OK, frame.Absent, nil, nil)
		}
	})
	return true
}

// read runs a read that may wait, in a goroutine if there are not too many. The request is
// finished when it returns; m, which may be nil, is left.
func (s *Session) read(m *moment, job func()) {
	s.active++
	all := func() {
		job()
		s.mu.Lock()
		defer s.mu.Unlock()
		if m != nil {
			s.leave(m)
		}
		s.finish(1)
		s.notify()
	}
	if s.reading == maxReading {
		s.queue = append(s.queue, all)
		return
	}
	s.reading++
	s.spawn(func() { s.readers(all) })
}

// readers runs job and then those that are queued.
func (s *Session) readers(job func()) {
	for job != nil {
		job()
		job = s.nextJob()
	}
}

func (s *Session) nextJob() func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.queue = nil
		s.reading--
		return nil
	}
	job := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	return job
}

// finish counts off requests that have been answered.
func (s *Session) finish(n int) {
	s.active -= n
	if s.active == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// release closes an iterator or a snapshot in a goroutine, since that may take locks.
func (s *Session) release(c io.Closer) {
	s.active++
	s.spawn(func() {
		_ = c.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.finish(1)
	})
}
