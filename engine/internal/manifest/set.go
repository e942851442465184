package manifest

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// Set is the current version, the store's counters, and the manifest that records them.
type Set struct {
	// OnObsolete, if set, is called once for each table that has left the last version it was
	// in, by whoever gave back the last reference. To be set before the first Apply.
	OnObsolete func(*Table)

	fs      vfs.FS
	nextNum atomic.Uint64

	// Guarded by the caller's serialisation.
	manifests []base.FileNum // that CURRENT may name: one, unless an Apply failed
	doubtful  []*Version     // that a crash may bring back, until a fresh manifest is in force
	file      *file          // the manifest that CURRENT names; nil if it can't be appended to
	closed    bool

	mu       sync.Mutex // guards what follows
	current  *Version
	counters counters
	versions map[*Version]struct{} // all that are referenced
}

// counters are what a manifest records beside tables and the next file number.
type counters struct {
	logNum, prevLogNum base.FileNum
	lastSeq            base.Seq
	compactPointers    [base.NumLevels][]byte
}

// after returns the counters that follow from the edit.
func (c counters) after(e *Edit) counters {
	if e.LogNum != nil {
		c.logNum = *e.LogNum
	}
	if e.PrevLogNum != nil {
		c.prevLogNum = *e.PrevLogNum
	}
	if e.LastSeq != nil {
		c.lastSeq = max(c.lastSeq, *e.LastSeq)
	}
	for _, p := range e.CompactPointers {
		c.compactPointers[p.Level] = bytes.Clone(p.Key)
	}
	return c
}

func newSet(fs vfs.FS) *Set { return &Set{fs: fs, versions: make(map[*Version]struct{})} }

// Current returns the current version. It takes no reference: the caller must hold one, or
// keep Apply from running.
func (s *Set) Current() *Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// NextFileNum returns a number that no file has had.
func (s *Set) NextFileNum() base.FileNum { return base.FileNum(s.nextNum.Add(1) - 1) }

// MarkFileNumUsed keeps NextFileNum from returning num.
func (s *Set) MarkFileNumUsed(num base.FileNum) {
	for {
		next := s.nextNum.Load()
		if uint64(num) < next || s.nextNum.CompareAndSwap(next, uint64(num)+1) {
			return
		}
	}
}

// LogNum returns the number of the oldest log whose entries are not in tables.
func (s *Set) LogNum() base.FileNum {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters.logNum
}

// PrevLogNum returns the number of a log that is to be replayed before those from LogNum on;
// 0 if there is none. Only stores of early LevelDB versions have one.
func (s *Set) PrevLogNum() base.FileNum {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters.prevLogNum
}

// LastSeq returns the largest sequence number that an edit has recorded.
func (s *Set) LastSeq() base.Seq {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters.lastSeq
}

// CompactPointer returns the internal key at which the level's next compaction begins; nil
// means the level's start. The caller must not change it.
func (s *Set) CompactPointer(level int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters.compactPointers[level]
}

// AddLive adds the numbers of all files that must be kept: the tables of every version that is
// referenced or may come back after a crash, and the manifests. The caller keeps Apply from
// running.
func (s *Set) AddLive(live map[base.FileNum]struct{}) {
	for _, num := range s.manifests {
		live[num] = struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for v := range s.versions {
		for _, tables := range v.Levels {
			for _, t := range tables {
				live[t.Num] = struct{}{}
			}
		}
	}
}

// Close closes the manifest. Versions stay usable, and the current one's tables are not
// obsolete. The caller keeps Apply from running.
func (s *Set) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.close()
}

// newVersion returns the builder's version, with one reference.
func (s *Set) newVersion(b *builder) (*Version, error) {
	v, err := b.version()
	if err != nil {
		return nil, err
	}
	v.set = s
	v.refs.Store(1)
	for _, tables := range v.Levels {
		for _, t := range tables {
			t.refs.Add(1)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[v] = struct{}{}
	return v, nil
}

// install makes v and c current. It takes over the caller's reference on v.
func (s *Set) install(v *Version, c counters) {
	s.mu.Lock()
	previous := s.current
	s.current, s.counters = v, c
	s.mu.Unlock()
	if previous != nil {
		previous.Unref()
	}
}

// release ends a version that has no reference left.
func (s *Set) release(v *Version) {
	s.mu.Lock()
	delete(s.versions, v)
	s.mu.Unlock()
	for _, tables := range v.Levels {
		for _, t := range tables {
			if t.refs.Add(-1) == 0 && s.OnObsolete != nil {
				s.OnObsolete(t)
			}
		}
	}
}

// manifestName names the manifest in errors.
func (s *Set) manifestName() string { return base.FileName(base.FileManifest, s.manifests[0]) }

func (s *Set) errClosed() error { return fmt.Errorf("%s: %w", s.manifestName(), vfs.ErrClosed) }
