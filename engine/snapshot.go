package engine

import (
	"fmt"
	"slices"
	"sync"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/sstable"
)

// Snapshot reads the store as it was at one moment.
type Snapshot struct {
	db   *DB
	seq  base.Seq
	once sync.Once
	done chan struct{} // closed by Close
}

// snapshotList holds the sequence numbers of the open snapshots, ascending.
type snapshotList []base.Seq

func (l *snapshotList) add(seq base.Seq) { *l = append(*l, seq) }

func (l *snapshotList) remove(seq base.Seq) {
	if i, found := slices.BinarySearch(*l, seq); found {
		*l = slices.Delete(*l, i, i+1)
	}
}

// NewSnapshot returns a snapshot of this moment. It must be closed: what it sees can't be
// reclaimed before.
func (db *DB) NewSnapshot() (*Snapshot, error) {
	db.mu.Lock()
	for db.snapshotHolds > 0 && !db.closed {
		changed := db.changed
		db.mu.Unlock()
		<-changed
		db.mu.Lock()
	}
	return db.newSnapshotLocked()
}

// TrySnapshot is NewSnapshot that never waits.
func (db *DB) TrySnapshot() (*Snapshot, error) {
	if !db.mu.TryLock() {
		return nil, ErrWouldWait
	}
	if db.snapshotHolds > 0 && !db.closed {
		db.mu.Unlock()
		return nil, ErrWouldWait
	}
	return db.newSnapshotLocked()
}

func (db *DB) newSnapshotLocked() (*Snapshot, error) {
	defer db.mu.Unlock()
	if db.closed {
		return nil, ErrClosed
	}
	// visible moves only under mu, so that the list stays in order.
	seq := base.Seq(db.visible.Load())
	db.snapshots.add(seq)
	return &Snapshot{db: db, seq: seq, done: make(chan struct{})}, nil
}

// holdSnapshots keeps snapshots from being taken until admitSnapshots. It returns false, and
// does nothing, if there are any.
func (db *DB) holdSnapshots() bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	if len(db.snapshots) > 0 {
		return false
	}
	db.snapshotHolds++
	return true
}

func (db *DB) admitSnapshots() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.snapshotHolds--
	db.notifyLocked()
}

// Close releases the snapshot, which nobody may be reading just then. Further calls do nothing.
func (s *Snapshot) Close() error {
	s.once.Do(func() {
		close(s.done)
		s.db.mu.Lock()
		defer s.db.mu.Unlock()
		s.db.snapshots.remove(s.seq)
	})
	return nil
}

func (s *Snapshot) check() error {
	select {
	case <-s.done:
		return fmt.Errorf("snapshot: %w", ErrClosed)
	default:
		return nil
	}
}

// Get appends the value of key to dst. It fails with ErrNotFound if there is none.
func (s *Snapshot) Get(dst, key []byte) ([]byte, error) {
	return s.get(dst, key, sstable.Wait)
}

// TryGet is Get that never waits.
func (s *Snapshot) TryGet(dst, key []byte) ([]byte, error) {
	return s.get(dst, key, sstable.Try)
}

func (s *Snapshot) get(dst, key []byte, mode sstable.Mode) ([]byte, error) {
	if err := s.check(); err != nil {
		return dst, err
	}
	return s.db.getAt(dst, key, s.seq, mode)
}

// Has reports whether key has a value.
func (s *Snapshot) Has(key []byte) (bool, error) {
	if err := s.check(); err != nil {
		return false, err
	}
	return s.db.hasAt(key, s.seq)
}

// GetMany calls visit for each of keys, as DB.GetMany does.
func (s *Snapshot) GetMany(keys [][]byte, visit func(i int, value []byte, found bool)) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.db.getManyAt(keys, s.seq, visit)
}

// TryGetMany calls visit for each of keys, as DB.TryGetMany does.
func (s *Snapshot) TryGetMany(keys [][]byte, visit func(value []byte, err error)) {
	if err := s.check(); err != nil {
		for range keys {
			visit(nil, err)
		}
		return
	}
	s.db.tryGetManyAt(keys, s.seq, visit)
}

// NewIterator returns an iterator over the snapshot. It may outlive the snapshot.
func (s *Snapshot) NewIterator(o IterOptions) (*Iterator, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.db.newIteratorAt(s.seq, o)
}
