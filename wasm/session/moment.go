package session

import (
	"errors"

	"github.com/varvedb/varve/engine"
)

// moment is a snapshot with the number of those who use it: reads that wait, and the client
// that holds its handle.
type moment struct {
	*engine.Snapshot
	users int
}

// now returns the present moment, which the caller is to leave. If the engine would have to
// wait to tell it, s.blocked is set.
func (s *Session) now() (*moment, error) {
	if s.present == nil {
		snapshot, err := s.db.TrySnapshot()
		if errors.Is(err, engine.ErrWouldWait) {
			s.block(s.awaitPresent)
		}
		if err != nil {
			return nil, err
		}
		s.present = &moment{snapshot, 1}
	}
	s.present.users++
	return s.present, nil
}

// awaitPresent takes the snapshot that now could not. If that fails, so will now.
func (s *Session) awaitPresent() {
	snapshot, err := s.db.NewSnapshot()
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.present = &moment{snapshot, 1}
}

// leavePresent ends the present moment, before a write and when there is nothing to do.
func (s *Session) leavePresent() {
	if s.present != nil {
		s.leave(s.present)
		s.present = nil
	}
}

func (s *Session) leave(m *moment) {
	if m.users--; m.users == 0 {
		// Closing takes the engine's lock.
		s.release(m)
	}
}
