package session

import (
	"runtime"

	"github.com/varvedb/varve/wasm/frame"
)

// respond answers a request that needs no more than that.
func (s *Session) respond(id uint32) { s.out.Add(id, frame.OK, 0, nil, nil) }

// answer responds from a goroutine: with an error if there is one.
func (s *Session) answer(id uint32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.fail(id, err)
	} else {
		s.respond(id)
	}
	s.notify()
}

// notify lets a goroutine send what is in out, together with what others may add by then.
func (s *Session) notify() {
	if s.flushing || s.out.Empty() {
		return
	}
	s.flushing = true
	s.spawn(s.flush)
}

// flush sends the responses that are ready when every runnable goroutine has had its turn.
func (s *Session) flush() {
	runtime.Gosched()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushing = false
	s.send()
}

func (s *Session) send() {
	if !s.out.Empty() {
		s.host.Respond(s.out.Frame())
		s.out.Reset()
	}
}
