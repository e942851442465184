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
	f := Finder{r: r}
	return f.Get(key, mode)
}

// Finder gets keys that come in ascending order. It keeps the last block: a key that falls into it,
// too, needs neither filter nor index nor cache. It is for one goroutine.
type Finder struct {
	r     *Reader
	index int  // of the block that is kept, if there is one
	kept  bool // there is one
	block block
}

// Reset begins with the smallest keys of r, which must stay open while it is used.
func (f *Finder) Reset(r *Reader) { *f = Finder{r: r} }

// Get is Reader.Get. The key must not be before that of the call before.
func (f *Finder) Get(key []byte, mode Mode) (value []byte, kind base.Kind, found bool, err error) {
	if !f.kept || base.Compare(f.r.index.key(f.index), key) < 0 {
		if !f.r.mayContain(base.UserKey(key)) {
			return nil, 0, false, nil
		}
		if ok, err := f.keep(key, mode); !ok {
			return nil, 0, false, err
		}
	}
	value, kind, found, err = f.block.find(key)
	if err != nil {
		err = f.r.corrupt(f.r.index.blocks[f.index].offset, err)
	}
	return value, kind, found, err
}

// keep makes the block that may hold key the one that is kept. It returns false if there is none or
// it can't be read.
func (f *Finder) keep(key []byte, mode Mode) (ok bool, err error) {
	r, i := f.r, 0
	if f.kept {
		i = r.index.searchFrom(f.index+1, key)
	} else {
		i = r.index.search(key)
	}
	if i == r.index.len() {
		return false, nil
	}
	contents, ok := r.cached(i, true)
	if !ok {
		if mode == Try {
			contents, err = r.tryBlock(i, true)
		} else {
			contents, err = r.fill(i, func() ([]byte, error) { return r.readBlock(i) })
		}
		if err != nil {
			return false, err
		}
	}
	f.index, f.kept, f.block = i, true, newBlock(contents)
	return true, nil
}

// tryBlock returns data block i if that needs no wait. fill says whether it enters the cache.
func (r *Reader) tryBlock(i int, fill bool) ([]byte, error) {
	if r.memory == nil {
		return nil, base.ErrWouldWait
	}
	var w window
	h := r.index.handle(i)
	if !w.tryRead(r, h.offset, int(h.length+blockTrailerLen)) {
		return nil, base.ErrWouldWait
	}
	contents, err := r.decodeBlock(nil, &w, h)
	if err == nil && fill && r.options.Blocks != nil {
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
