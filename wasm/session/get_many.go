package session

import (
	"bytes"
	"errors"
	"slices"
	"sort"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// perReader is the number of keys from which a getMany is shared out to a further goroutine.
const perReader = 32

// many is a getMany that waits. Goroutines fill found and values at places of their own.
type many struct {
	id      uint32
	keys    [][]byte
	found   []bool
	values  [][]byte
	missing int // goroutines that have not ended
	err     error
}

// getMany answers from memory if that has the values of all keys, and in goroutines otherwise.
func (s *Session) getMany(v view, r *frame.Request) (served bool) {
	before := s.out.Mark()
	err := s.tryGetMany(v, r)
	if err != nil {
		s.out.Truncate(before)
	}
	switch {
	case errors.Is(err, engine.ErrWouldWait):
		m, err := s.momentOf(r.Handle)
		if err != nil {
			return s.refuse(r.ID, err)
		}
		s.getManyWaiting(r, m)
	case err != nil:
		s.fail(r.ID, err)
	}
	return true
}

// tryGetMany adds the answer up to the first key whose value can't be had, and returns why.
func (s *Session) tryGetMany(v view, r *frame.Request) (failure error) {
	for i := range r.Entries {
		s.keys = append(s.keys, r.Entries[i].Key)
	}
	i := 0
	v.TryGetMany(s.keys, func(value []byte, err error) {
		flags := r.Entries[i].Flags & frame.More
		i++
		switch {
		case failure != nil:
		case err == nil:
			s.out.Add(r.ID, frame.OK, flags, nil, value)
		case errors.Is(err, engine.ErrNotFound):
			s.out.Add(r.ID, frame.OK, flags|frame.Absent, nil, nil)
		default:
			failure = err
		}
	})
	s.forgetGets()
	return failure
}

// getManyWaiting reads the keys of a request in the order of their bytes, so that a block is asked
// for by one goroutine, and at one moment.
func (s *Session) getManyWaiting(r *frame.Request, m *moment) {
	n := len(r.Entries)
	g := &many{id: r.ID, keys: make([][]byte, n), found: make([]bool, n), values: make([][]byte, n)}
	places := make([]int, n)
	for i, e := range r.Entries {
		g.keys[i] = bytes.Clone(e.Key)
		places[i] = i
	}
	sort.Slice(places, func(i, j int) bool { return bytes.Compare(g.keys[places[i]], g.keys[places[j]]) < 0 })
	for part := range slices.Chunk(places, max(perReader, (n+maxReading-1)/maxReading)) {
		g.missing++
		m.users++
		s.read(m, func() { s.getPart(g, part, m) })
	}
	s.leave(m)
}

// getPart reads the keys at the given places; the last part to end answers the request.
func (s *Session) getPart(g *many, places []int, m *moment) {
	keys := make([][]byte, len(places))
	for i, place := range places {
		keys[i] = g.keys[place]
	}
	err := m.GetMany(keys, func(i int, value []byte, found bool) {
		g.found[places[i]] = found
		g.values[places[i]] = bytes.Clone(value)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && g.err == nil {
		g.err = err
	}
	if g.missing--; g.missing == 0 {
		s.answerMany(g)
	}
}

func (s *Session) answerMany(g *many) {
	if g.err != nil {
		s.fail(g.id, g.err)
		return
	}
	for i, value := range g.values {
		flags := frame.More
		if i == len(g.values)-1 {
			flags = 0
		}
		if !g.found[i] {
			flags |= frame.Absent
		}
		s.out.Add(g.id, frame.OK, flags, nil, value)
	}
}
