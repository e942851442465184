package session

import (
	"bytes"
	"slices"
	"sort"

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

// getMany reads the keys of a request in the order of their bytes, so that a block is asked
// for by one goroutine, and at one moment.
func (s *Session) getMany(r *frame.Request, m *moment) {
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
