package session

import (
	"bytes"
	"errors"
	"io"

	"github.com/varvedb/varve/engine/archive"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/wasm/frame"
)

// errAborted means that an import ended before its archive did.
var errAborted = errors.New("the import was given up")

// restoring is a store that is being made of an archive.
type restoring struct {
	name    string
	options openOptions
	fs      vfs.FS
	archive *io.PipeWriter
	done    chan error // what the restoring ended with
}

// beginImport makes ready for the pieces of an archive.
func (s *Session) beginImport(name string, o openOptions) error {
	fs, err := s.host.OpenFS(name, o.storage, false, o.cacheSize)
	if err != nil {
		return err
	}
	from, to := io.Pipe()
	i := &restoring{name: name, options: o, fs: fs, archive: to, done: make(chan error, 1)}
	i.options.engine.Yield = s.yield
	i.options.engine.ErrorIfMissing, i.options.engine.ErrorIfExists = false, false // Restore sees to it
	go func() {
		err := archive.Restore(fs, from, i.options.engine)
		i.done <- err
		_ = from.CloseWithError(err) // it never fails
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restoring = i
	return nil
}

// importPiece hands on a piece of the archive; an empty one is its end, and opens the store. What
// follows waits.
func (s *Session) importPiece(r *frame.Request) {
	id, piece, i := r.ID, bytes.Clone(r.Entries[0].Value), s.restoring
	s.block(func() {
		if len(piece) == 0 {
			_ = i.archive.Close() // it never fails
			s.answer(id, s.endImport(i))
			return
		}
		if _, err := i.archive.Write(piece); err == nil {
			s.answer(id, nil)
			return
		}
		s.answer(id, s.endImport(i))
	})
}

// abortImport ends an import, when the client has gone.
func (s *Session) abortImport(r *frame.Request) {
	id, i := r.ID, s.restoring
	s.block(func() {
		_ = i.archive.CloseWithError(errAborted) // it never fails
		if s.endImport(i) != nil {
			s.answer(id, nil)
			return
		}
		s.answer(id, s.closeStore())
	})
}

// endImport opens the store that was made, or leaves nothing of it.
func (s *Session) endImport(i *restoring) error {
	err := <-i.done
	s.mu.Lock()
	s.restoring = nil
	s.mu.Unlock()
	if err == nil {
		return s.openIn(i.fs, i.options)
	}
	gone := archive.NothingLeft(i.fs)
	err = errors.Join(err, i.fs.Close())
	if gone && i.options.storage == storageIDB {
		// If this fails, a store of this name can be made all the same.
		_ = s.host.Destroy(i.name)
	}
	return err
}
