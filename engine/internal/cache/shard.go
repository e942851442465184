package cache

import (
	"sync"

	"github.com/varvedb/varve/engine/internal/base"
)

// shard is a part of the cache with a lock of its own.
type shard struct {
	mu      sync.Mutex // never held while a block is read
	blocks  blockList
	loading map[Key]*loading
	hits    int64
	misses  int64
}

// loading is a read under way. block and err are written before done is closed.
type loading struct {
	done  chan struct{}
	fill  bool // guarded by the shard's lock
	block []byte
	err   error
}

func (s *shard) init(capacity int64) {
	s.blocks.init(capacity)
	s.loading = make(map[Key]*loading)
}

func (s *shard) get(k Key, used bool) ([]byte, bool) {
	if !s.mu.TryLock() {
		return nil, false
	}
	block, ok := s.blocks.get(k, used)
	if ok {
		s.hits++
	}
	s.mu.Unlock()
	return block, ok
}

func (s *shard) load(k Key, fill bool, read func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	if block, ok := s.blocks.get(k, fill); ok {
		s.hits++
		s.mu.Unlock()
		return block, nil
	}
	if l := s.loading[k]; l != nil {
		s.hits++
		l.fill = l.fill || fill
		s.mu.Unlock()
		<-l.done
		return l.block, l.err
	}
	l := &loading{done: make(chan struct{}), fill: fill, err: ErrReadPanicked}
	s.loading[k] = l
	s.misses++
	s.mu.Unlock()

	defer s.finish(k, l)
	l.block, l.err = read()
	return l.block, l.err
}

// finish ends a read, whether it returned or panicked.
func (s *shard) finish(k Key, l *loading) {
	s.mu.Lock()
	delete(s.loading, k)
	if l.fill && l.err == nil {
		s.blocks.add(k, l.block)
	}
	s.mu.Unlock()
	close(l.done)
}

func (s *shard) tryAdd(k Key, block []byte) {
	if !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	if _, ok := s.blocks.get(k, true); !ok {
		s.blocks.add(k, block)
	}
}

func (s *shard) evictFile(num base.FileNum) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blocks.removeFile(num)
}

func (s *shard) metrics() (bytes, hits, misses int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocks.bytes(), s.hits, s.misses
}
