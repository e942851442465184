package sstable

import (
	"bytes"
	"errors"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// Lost is a part of a table that can't be read and may have held entries.
type Lost struct {
	From, To     int64
	Lower, Upper []byte // internal keys: bounds of what it held, both inclusive; nil: unknown
	Reason       string
}

// Salvage calls visit, in the order of the keys, for every entry of a damaged table that is in
// a data block whose checksum is right and whose entries are in order. Key and value hold
// during the call. Without a readable index it looks for the blocks, with the whole file in
// memory. It fails only with what visit failed with, or if the file system gave up.
func Salvage(file vfs.Reader, name string, visit func(key, value []byte) error) ([]Lost, error) {
	s := &salvage{r: &Reader{file: file, options: ReaderOptions{Name: name}}, visit: visit}
	err := s.loadIndex()
	switch {
	case err == nil:
		err = s.readIndexed()
	case base.Unreadable(err):
		err = s.search(reason(err))
	}
	return s.lost, err
}

// salvage is the state of one Salvage.
type salvage struct {
	r     *Reader
	visit func(key, value []byte) error
	last  []byte // the key visited last
	lost  []Lost
	block blockIterator
}

func (s *salvage) loadIndex() error {
	size := s.r.file.Size()
	if size < footerLen {
		return s.r.corrupt(0, errTooShort(size))
	}
	var tail window
	limit := uint64(size - footerLen)
	if err := tail.read(s.r, limit, footerLen); err != nil {
		return err
	}
	_, index, err := decodeFooter(tail.buf, limit)
	if err != nil {
		return s.r.corrupt(limit, err)
	}
	return s.r.loadIndex(&tail, index, limit)
}

// readIndexed visits the entries of the data blocks that the index names.
func (s *salvage) readIndexed() error {
	var lower []byte
	for i := range s.r.index.len() {
		contents, err := s.r.readBlock(i)
		if err == nil {
			err = s.check(contents)
		}
		switch {
		case err == nil:
			err = s.visitBlock(contents)
		case base.Unreadable(err) || errors.Is(err, errNotData):
			h := s.r.index.handle(i)
			s.lose(Lost{int64(h.offset), int64(h.end()), lower, s.r.index.key(i), reason(err)})
			err = nil
		}
		if err != nil {
			return err
		}
		lower = s.r.index.key(i)
	}
	return nil
}

// lose notes a loss, as one with the loss before if that ends where this begins.
func (s *salvage) lose(l Lost) {
	if n := len(s.lost); n > 0 && s.lost[n-1].To == l.From {
		s.lost[n-1].To, s.lost[n-1].Upper = l.To, l.Upper
		return
	}
	s.lost = append(s.lost, l)
}

// reason returns what err says beside the file's name.
func reason(err error) string {
	if corruption, ok := errors.AsType[*base.CorruptionError](err); ok {
		return corruption.Reason
	}
	return err.Error()
}

var errNotData = errors.New("the entries are damaged or out of order")

// check fails with errNotData unless contents is a data block that may follow what was visited.
func (s *salvage) check(contents []byte) error {
	if checkBlock(contents) != nil {
		return errNotData
	}
	previous := bytes.Clone(s.last)
	s.block.reset(contents)
	for ok := s.block.first(); ok; ok = s.block.next() {
		if len(previous) > 0 && base.Compare(previous, s.block.key) >= 0 {
			return errNotData
		}
		previous = append(previous[:0], s.block.key...)
	}
	if s.block.damaged {
		return errNotData
	}
	return nil
}

// visitBlock visits the entries of a block that passed check.
func (s *salvage) visitBlock(contents []byte) error {
	s.block.reset(contents)
	for ok := s.block.first(); ok; ok = s.block.next() {
		if err := s.visit(s.block.key, s.block.value); err != nil {
			return err
		}
		s.last = append(s.last[:0], s.block.key...)
	}
	return nil
}
