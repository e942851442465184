package sstable

import (
	"github.com/varvedb/varve/engine/internal/base"
)

// Mode says whether a read may wait for the file.
type Mode uint8

const (
	// Wait reads blocks that are not in the cache from the file, into the cache.
	Wait Mode = iota

	// Try fails with base.ErrWouldWait instead, unless the file has them in memory.
	Try
)

// Get returns the newest entry of key's user key at or behind key, an internal key. The value
// shares memory with the block cache: it must not be modified.
func (r *Reader) Get(key []byte, mode Mode) (value []byte, kind base.Kind, found bool, err error) {
	user := base.UserKey(key)
	if !r.mayContain(user) {
		return nil, 0, false, nil
	}
	i := r.index.search(key)
	if i == r.index.len() {
		return nil, 0, false, nil
	}
	contents, ok := r.cached(i)
	if !ok {
		if mode == Try {
			contents, err = r.tryBlock(i)
		} else {
			contents, err = r.fill(i, func() ([]byte, error) { return r.readBlock(i) })
		}
		if err != nil {
			return nil, 0, false, err
		}
	}
	b := newBlock(contents)
	value, kind, found, err = b.find(key)
	if err != nil {
		err = r.corrupt(r.index.blocks[i].offset, err)
	}
	return value, kind, found, err
}

// tryBlock returns data block i if that needs no wait.
func (r *Reader) tryBlock(i int) ([]byte, error) {
	if r.memory == nil {
		return nil, base.ErrWouldWait
	}
	var w window
	h := r.index.handle(i)
	if !w.tryRead(r, h.offset, int(h.length+blockTrailerLen)) {
		return nil, base.ErrWouldWait
	}
	contents, err := r.decodeBlock(nil, &w, h)
	if err == nil && r.options.Blocks != nil {
		r.options.Blocks.TryAdd(r.cacheKey(i), contents)
	}
	return contents, err
}

// mayContain asks the filter.
func (r *Reader) mayContain(user []byte) bool {
	if r.filter == nil {
		return true
	}
	may := r.filter.Test(user)
	if c := r.options.Counters; c != nil {
		c.Checks.Add(1)
		if !may {
			c.Negatives.Add(1)
		}
	}
	return may
}
