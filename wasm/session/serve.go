package session

import (
	"bytes"
	"fmt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/wasm/frame"
)

// serve lets a request take effect. If it returns false, that was not possible yet, and
// s.blocked says what to wait for.
func (s *Session) serve(r *frame.Request) bool {
	switch r.Op {
	case frame.Open, frame.Destroy, frame.List:
		return s.serveStores(r)
	}
	if s.db == nil {
		s.serveImport(r)
		return true
	}
	switch r.Op {
	case frame.Put, frame.Del:
		return s.write(r)
	}
	if !s.apply() {
		return false
	}
	switch r.Op {
	case frame.Has:
		return s.has(r)
	case frame.ScanOpen:
		return s.openScan(r)
	case frame.ScanNext:
		s.nextOfScan(r)
	case frame.ScanClose:
		s.closeScan(r)
	case frame.SnapOpen:
		return s.openSnapshot(r)
	case frame.SnapClose:
		s.closeSnapshot(r)
	case frame.Clear:
		s.clear(r)
	case frame.Export:
		s.export(r)
	case frame.Import:
		s.fail(r.ID, fmt.Errorf("%w: the session has a store already", engine.ErrInvalidArgument))
	case frame.Close:
		s.close(r)
	default:
		s.maintain(r)
	}
	return true
}

// serveImport serves what can be asked before there is an open store.
func (s *Session) serveImport(r *frame.Request) {
	switch {
	case s.restoring != nil && r.Op == frame.Import:
		s.importPiece(r)
	case s.restoring != nil && r.Op == frame.Close:
		s.abortImport(r)
	default:
		s.fail(r.ID, engine.ErrClosed)
	}
}

// bounds returns the range of a request, in memory of its own.
func bounds(e *frame.Entry) (lower, upper []byte) {
	if len(e.Key) > 0 {
		lower = bytes.Clone(e.Key)
	}
	if e.Flags&frame.UpperBound != 0 {
		upper = append([]byte{}, e.Value...)
	}
	return lower, upper
}

func unknownHandle(kind string, handle uint32) error {
	return fmt.Errorf("%s %d: %w", kind, handle, engine.ErrClosed)
}
