package session

import (
	"errors"
	"strconv"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/wasm/frame"
)

// ErrUnsupported means that this host can't do what was asked.
var ErrUnsupported = errors.New("not supported here")

// codes gives each sentinel error its code, the more telling ones first.
var codes = []struct {
	err  error
	code frame.Code
}{
	{vfs.ErrNoSpace, frame.NoSpace},
	{vfs.ErrDamaged, frame.Corrupt},
	{vfs.ErrLocked, frame.Locked},
	{engine.ErrInvalidArgument, frame.InvalidArgument},
	{vfs.ErrName, frame.InvalidArgument},
	{engine.ErrExists, frame.Exists},
	{engine.ErrNoStore, frame.NotFound},
	{engine.ErrClosed, frame.Closed},
	{vfs.ErrClosed, frame.Closed},
	{ErrUnsupported, frame.Unsupported},
}

// field is a fact of an error, for programs.
type field struct{ name, text string }

// classify returns the code and the fields with which an error crosses to the client.
func classify(err error) (frame.Code, []field) {
	if corruption, ok := errors.AsType[*engine.CorruptionError](err); ok {
		fields := []field{{"file", corruption.File}, {"reason", corruption.Reason}}
		if corruption.Offset >= 0 {
			fields = append(fields, field{"offset", strconv.FormatInt(corruption.Offset, 10)})
		}
		return frame.Corrupt, fields
	}
	if noSpace, ok := errors.AsType[*vfs.NoSpaceError](err); ok {
		fields := []field{{"wanted", strconv.FormatInt(noSpace.Wanted, 10)}}
		if noSpace.Available >= 0 {
			fields = append(fields, field{"available", strconv.FormatInt(noSpace.Available, 10)})
		}
		return frame.NoSpace, fields
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code, nil
		}
	}
	return frame.IO, nil
}

// fail answers a request with an error.
func (s *Session) fail(id uint32, err error) {
	code, fields := classify(err)
	more := func(last bool) frame.Flags {
		if last {
			return 0
		}
		return frame.More
	}
	s.out.Add(id, code, more(len(fields) == 0), []byte("message"), []byte(err.Error()))
	for i, f := range fields {
		s.out.Add(id, code, more(i == len(fields)-1), []byte(f.name), []byte(f.text))
	}
}
