package session

import (
	"fmt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

func (s *Session) openSnapshot(r *frame.Request) bool {
	if r.Handle == 0 || s.snapshots[r.Handle] != nil {
		s.fail(r.ID, fmt.Errorf("%w: snapshot %d is in use", engine.ErrInvalidArgument, r.Handle))
		return true
	}
	m, err := s.now()
	if err != nil {
		return s.refuse(r.ID, err)
	}
	s.snapshots[r.Handle] = m
	s.respond(r.ID)
	return true
}

// closeSnapshot gives up the handle. Reads that have begun in the snapshot are not disturbed.
func (s *Session) closeSnapshot(r *frame.Request) {
	if m := s.snapshots[r.Handle]; m != nil {
		delete(s.snapshots, r.Handle)
		s.leave(m)
	}
	s.respond(r.ID)
}
