package session

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/archive"
	"github.com/varvedb/varve/wasm/frame"
)

// export is the source of a scan over the bytes of an archive.
type export struct{ *archive.Reader }

// export begins an archive, whose moment is this call: what follows waits until that is held.
func (s *Session) export(r *frame.Request) {
	wanted := wantedOf(r.Entries[0].Key)
	if wanted == 0 {
		s.fail(r.ID, fmt.Errorf("%w: malformed export", engine.ErrInvalidArgument))
		return
	}
	if !s.isFree(r) {
		return
	}
	s.leavePresent()
	id, handle := r.ID, r.Handle
	s.block(func() {
		image, err := s.db.NewImage()
		if err != nil {
			s.answer(id, err)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.beginScan(id, handle, export{archive.NewReader(image, time.Now())}, wanted)
	})
}

func (e export) fill(answer *frame.Responses, id uint32, wanted int) (ended bool, err error) {
	tail := slices.Grow(answer.Tail(), wanted)
	piece := tail[len(tail) : len(tail)+wanted]
	// Not io.ReadFull: its error at the end is that of a file which lacks bytes.
	n := 0
	for n < len(piece) && err == nil {
		var more int
		more, err = e.Read(piece[n:])
		n += more
	}
	ended = err == io.EOF
	switch {
	case err != nil && !ended:
		return true, err
	case n == 0:
		answer.Add(id, frame.OK, frame.Absent|frame.End, nil, nil)
	case ended:
		answer.AddTail(id, frame.End, tail[:len(tail)+n])
	default:
		answer.AddTail(id, 0, tail[:len(tail)+n])
	}
	return ended, nil
}
