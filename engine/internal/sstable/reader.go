package sstable

import (
	"sync/atomic"

	"github.com/bits-and-blooms/bloom/v3"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
	"github.com/varvedb/varve/vfs"
)

// ReaderOptions of NewReader.
type ReaderOptions struct {
	Num      base.FileNum // names the table in the block cache
	Name     string       // names it in errors
	Blocks   *cache.Cache // nil: blocks are not cached
	Counters *Counters    // nil: nothing is counted
}

// Counters are summed over the Readers that share them.
type Counters struct {
	Checks    atomic.Int64 // filters asked
	Negatives atomic.Int64 // filters that said no, and saved a look into a block
}

// Reader reads a table.
type Reader struct {
	file    vfs.Reader
	memory  vfs.TryReader // file, if it is one; else nil
	options ReaderOptions
	index   *index
	filter  *bloom.BloomFilter // nil: none of ours
}

// readerMemory is about what a Reader takes beside its index and filter.
const readerMemory = 512

// NewReader opens the table that file holds. If it succeeds, Close closes the file.
func NewReader(file vfs.Reader, options ReaderOptions) (*Reader, error) {
	r := &Reader{file: file, options: options}
	r.memory, _ = file.(vfs.TryReader)
	if err := r.load(); err != nil {
		return nil, err
	}
	return r, nil
}

// Close closes the file. No other method may be running or called later.
func (r *Reader) Close() error { return r.file.Close() }

// MemorySize returns about the number of bytes that the Reader holds in memory.
func (r *Reader) MemorySize() int64 {
	size := readerMemory + r.index.memorySize()
	if r.filter != nil {
		size += int64(r.filter.Cap() / 8)
	}
	return size
}

// readBlock reads data block i from the file.
func (r *Reader) readBlock(i int) ([]byte, error) {
	var w window
	h := r.index.handle(i)
	if err := w.read(r, h.offset, int(h.length+blockTrailerLen)); err != nil {
		return nil, err
	}
	return r.decodeBlock(nil, &w, h)
}

// decodeBlock checks the data block at h, which is in w, and returns its contents, in dst if
// that has the capacity.
func (r *Reader) decodeBlock(dst []byte, w *window, h handle) ([]byte, error) {
	contents, err := decodeStored(dst, w.stored(h))
	if err == nil {
		err = checkBlock(contents)
	}
	if err != nil {
		return nil, r.corrupt(h.offset, err)
	}
	return contents, nil
}

func (r *Reader) cacheKey(i int) cache.Key {
	return cache.Key{File: r.options.Num, Offset: r.index.blocks[i].offset}
}

// cached returns data block i if it is in the cache. used says whether that counts as a use.
func (r *Reader) cached(i int, used bool) ([]byte, bool) {
	if r.options.Blocks == nil {
		return nil, false
	}
	if !used {
		return r.options.Blocks.Peek(r.cacheKey(i))
	}
	return r.options.Blocks.Get(r.cacheKey(i))
}

// fill returns data block i, which read reads if it isn't in the cache by now.
func (r *Reader) fill(i int, read func() ([]byte, error)) ([]byte, error) {
	if r.options.Blocks == nil {
		return read()
	}
	return r.options.Blocks.Load(r.cacheKey(i), true, read)
}

func (r *Reader) corrupt(offset uint64, err error) error {
	return base.Corruption(r.options.Name, int64(offset), "%v", err)
}
