package engine

import (
	"bytes"
	"sync"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/engine/internal/tables"
)

// newest, as the sequence number of a read, stands for the newest visible write.
const newest = base.MaxSeq

// Get appends the value of key to dst and returns the result. It fails with ErrNotFound if
// there is none; dst is then returned as it was.
func (db *DB) Get(dst, key []byte) ([]byte, error) { return db.getAt(dst, key, newest, sstable.Wait) }

// TryGet is Get from memory alone: it fails with ErrWouldWait if it would have to read a file.
func (db *DB) TryGet(dst, key []byte) ([]byte, error) { return db.getAt(dst, key, newest, sstable.Try) }

// Has reports whether key has a value.
func (db *DB) Has(key []byte) (bool, error) { return db.hasAt(key, newest) }

// lookup is the working memory of a read.
type lookup struct{ key []byte }

var lookups = sync.Pool{New: func() any { return new(lookup) }}

func (db *DB) getAt(dst, key []byte, seq base.Seq, mode sstable.Mode) ([]byte, error) {
	if err := db.checkRead(key); err != nil {
		return dst, err
	}
	s, visible := db.acquire()
	defer s.unref()
	value, found, err := s.find(key, min(seq, visible), mode)
	if err != nil {
		return dst, err
	}
	if !found {
		return dst, ErrNotFound
	}
	return append(dst, value...), nil
}

func (db *DB) hasAt(key []byte, seq base.Seq) (bool, error) {
	if err := db.checkRead(key); err != nil {
		return false, err
	}
	s, visible := db.acquire()
	defer s.unref()
	_, found, err := s.find(key, min(seq, visible), sstable.Wait)
	return found, err
}

func (db *DB) checkRead(key []byte) error {
	if db.isClosing() {
		return ErrClosed
	}
	return checkKey(key)
}

// find returns the value of key at seq. It shares memory with what s references.
func (s *readState) find(key []byte, seq base.Seq, mode sstable.Mode) (value []byte, found bool, err error) {
	for _, m := range s.memtables {
		if value, kind, found := m.Get(key, seq); found {
			return value, kind == base.KindPut, nil
		}
	}
	l := lookups.Get().(*lookup)
	defer lookups.Put(l)
	l.key = base.AppendInternalKey(l.key[:0], key, seq, base.KindSeek)
	for _, t := range s.version.Levels[0] {
		if !t.Overlaps(key, key) {
			continue
		}
		value, kind, found, err := s.findInTable(t, l.key, mode)
		if found || err != nil {
			return value, kind == base.KindPut, err
		}
	}
	for level := 1; level < base.NumLevels; level++ {
		value, kind, found, err := s.findInLevel(level, key, l.key, mode)
		if found || err != nil {
			return value, kind == base.KindPut, err
		}
	}
	return nil, false, nil
}

// findInLevel looks into the tables of a level that may hold key: one, but for stores of
// other programs, which may spread a key's versions over neighbours.
func (s *readState) findInLevel(level int, key, internal []byte, mode sstable.Mode) ([]byte, base.Kind, bool, error) {
	tables := s.version.Levels[level]
	for i := s.version.Find(level, key); i < len(tables); i++ {
		if bytes.Compare(base.UserKey(tables[i].Smallest), key) > 0 {
			break
		}
		if base.Compare(tables[i].Largest, internal) < 0 {
			continue
		}
		value, kind, found, err := s.findInTable(tables[i], internal, mode)
		if found || err != nil {
			return value, kind, found, err
		}
	}
	return nil, 0, false, nil
}

func (s *readState) findInTable(t *manifest.Table, internal []byte, mode sstable.Mode) ([]byte, base.Kind, bool, error) {
	table, err := s.acquireTable(t, mode)
	if err != nil {
		return nil, 0, false, err
	}
	defer table.Release()
	return table.Get(internal, mode)
}

// acquireTable returns a table of the version. The caller releases it.
func (s *readState) acquireTable(t *manifest.Table, mode sstable.Mode) (*tables.Table, error) {
	if mode == sstable.Try {
		return s.db.tables.TryAcquire(t.Num)
	}
	return s.db.tables.Acquire(t.Num)
}
