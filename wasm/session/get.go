package session

import (
	"bytes"
	"errors"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// togetherFrom is the number of gets in a row from which to look them up together pays.
const togetherFrom = 4

// maxTogether bounds the number of gets, and of the keys of a getMany, whose memory is kept for the
// next.
const maxTogether = 1 << 14

// serveGets serves the current request, which is a Get, and those like it that follow.
func (s *Session) serveGets(requests *frame.Requests) {
	if !s.apply() {
		return
	}
	r := requests.Request()
	v := s.viewOf(r.Handle)
	switch {
	case v == nil:
		s.fail(r.ID, unknownHandle("snapshot", r.Handle))
		requests.Next()
	case len(r.Entries) > 1:
		if s.getMany(v, r) {
			requests.Next()
		}
	default:
		s.gets = requests.Singles(s.gets[:0])
		if len(s.gets) >= togetherFrom {
			requests.Skip(s.getTogether(v, r.Handle))
		} else if s.get(v, r) {
			requests.Next()
		}
		s.forgetGets()
	}
}

// get answers from memory if that is possible, and in a goroutine otherwise.
func (s *Session) get(v view, r *frame.Request) (served bool) {
	tail, err := v.TryGet(s.out.Tail(), r.Entries[0].Key)
	if err == nil {
		s.out.AddTail(r.ID, 0, tail)
		return true
	}
	return s.getOtherwise(r.ID, r.Handle, r.Entries[0].Key, err)
}

// getTogether answers s.gets, each as get does, and returns the number of those that were served.
func (s *Session) getTogether(v view, handle uint32) (served int) {
	for _, g := range s.gets {
		s.keys = append(s.keys, g.Key)
	}
	v.TryGetMany(s.keys, func(value []byte, err error) {
		g := s.gets[served]
		switch {
		case s.blocked != nil:
			return
		case err == nil:
			s.out.Add(g.ID, frame.OK, 0, nil, value)
		case !s.getOtherwise(g.ID, handle, g.Key, err):
			return
		}
		served++
		if s.out.Len() >= maxFrame {
			s.send()
		}
	})
	return served
}

// getOtherwise answers a get that TryGet failed to, with this error.
func (s *Session) getOtherwise(id, handle uint32, key []byte, err error) (served bool) {
	switch {
	case errors.Is(err, engine.ErrNotFound):
		s.out.Add(id, frame.OK, frame.Absent, nil, nil)
	case errors.Is(err, engine.ErrWouldWait):
		return s.getWaiting(id, handle, bytes.Clone(key))
	default:
		s.fail(id, err)
	}
	return true
}

func (s *Session) getWaiting(id, handle uint32, key []byte) (served bool) {
	m, err := s.momentOf(handle)
	if err != nil {
		return s.refuse(id, err)
	}
	s.read(m, func() {
		value, err := m.Get(nil, key)
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case err == nil:
			s.out.Add(id, frame.OK, 0, nil, value)
		case errors.Is(err, engine.ErrNotFound):
			s.out.Add(id, frame.OK, frame.Absent, nil, nil)
		default:
			s.fail(id, err)
		}
	})
	return true
}

// forgetGets lets go of the frame that was looked up.
func (s *Session) forgetGets() {
	if cap(s.gets) > maxTogether {
		s.gets = nil
	}
	if cap(s.keys) > maxTogether {
		s.keys = nil
	}
	clear(s.gets)
	clear(s.keys)
	s.gets, s.keys = s.gets[:0], s.keys[:0]
}
