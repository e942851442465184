package session

import (
	"errors"
	"fmt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// maxGathered is the size in bytes from which writes are not joined any more.
const maxGathered = 256 << 10

// gathering is the writes that will be applied together.
type gathering struct {
	batch      engine.Batch
	durability engine.Durability
	ids        []uint32
}

// write adds a request to what is gathered, which is applied before the next read.
func (s *Session) write(r *frame.Request) bool {
	g := &s.gathered
	durability := s.durabilityOf(r)
	if len(g.ids) > 0 && (g.durability != durability || g.batch.Len() >= maxGathered || len(r.Entries) > 1 || s.differs(r)) {
		if !s.apply() {
			return false
		}
	}
	g.durability = durability
	for i := range r.Entries {
		if err := g.add(&r.Entries[i]); err != nil {
			if len(r.Entries) > 1 {
				g.batch.Reset()
				err = fmt.Errorf("operation %d: %w", i, err)
			}
			s.fail(r.ID, err)
			return true
		}
	}
	g.ids = append(g.ids, r.ID)
	return true
}

// differs reports whether the store may now refuse what is gathered and take the request, or the
// other way round.
func (s *Session) differs(r *frame.Request) bool {
	return (r.Entries[0].Op == frame.Put) != s.gathered.batch.Adds() && s.db.ShortOfSpace()
}

// reset empties the gathering, and gives up memory that a large one took.
func (g *gathering) reset() {
	g.ids = nil
	if g.batch.Len() > 4*maxGathered {
		g.batch = engine.Batch{}
	}
	g.batch.Reset()
}

func (g *gathering) add(e *frame.Entry) error {
	switch e.Op {
	case frame.Put:
		return g.batch.Put(e.Key, e.Value)
	case frame.Del:
		return g.batch.Delete(e.Key)
	}
	return fmt.Errorf("%w: op %d in a batch", engine.ErrInvalidArgument, e.Op)
}

// apply makes visible what is gathered. If it returns false, that has to wait.
func (s *Session) apply() bool {
	g := &s.gathered
	if len(g.ids) == 0 {
		return true
	}
	s.leavePresent()
	ids := g.ids
	done := func(err error) { s.acknowledge(ids, err) }
	err := s.db.TryApply(&g.batch, g.durability, done)
	if errors.Is(err, engine.ErrWouldWait) {
		s.block(func() {
			err := s.db.ApplyAsync(&g.batch, g.durability, done)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.applied(ids, err)
		})
		return false
	}
	s.applied(ids, err)
	return true
}

// applied begins the next gathering. err tells that done will not be called.
func (s *Session) applied(ids []uint32, err error) {
	s.woke = true
	s.gathered.reset()
	if err == nil {
		s.active += len(ids)
		return
	}
	for _, id := range ids {
		s.fail(id, err)
	}
}

// acknowledge tells how writes that were applied have ended.
func (s *Session) acknowledge(ids []uint32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if err != nil {
			s.fail(id, err)
		} else {
			s.respond(id)
		}
	}
	s.finish(len(ids))
	s.notify()
}

// clear deletes a range. What follows waits until it is done.
func (s *Session) clear(r *frame.Request) {
	s.leavePresent()
	id, durability := r.ID, s.durabilityOf(r)
	lower, upper := bounds(&r.Entries[0])
	s.block(func() { s.answer(id, s.db.DeleteRange(lower, upper, durability)) })
}

func (s *Session) durabilityOf(r *frame.Request) engine.Durability {
	switch r.Durability {
	case frame.Strict:
		return engine.Strict
	case frame.Relaxed:
		return engine.Relaxed
	case frame.Deferred:
		return engine.Deferred
	}
	return s.durability
}
