package sstable

import (
	"fmt"
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
	options ReaderOptions
	index   *index
	filter  *bloom.BloomFilter // nil: none of ours
}

// readerMemory is about what a Reader takes beside its index and filter.
const readerMemory = 512

// NewReader opens the table that file holds. If it succeeds, Close closes the file.
func NewReader(file vfs.Reader, options ReaderOptions) (*Reader, error) {
	r := &Reader{file: file, options: options}
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

// tailSize is enough for footer, index and filter of most tables, which so take one read.
const tailSize = 64 << 10

// load reads footer, index and filter.
func (r *Reader) load() error {
	size := r.file.Size()
	if size < footerLen {
		return r.corrupt(0, fmt.Errorf("%d bytes are too few for a table", size))
	}
	var tail window
	tailLen := min(size, tailSize)
	if err := tail.read(r, uint64(size-tailLen), int(tailLen)); err != nil {
		return err
	}
	limit := uint64(size - footerLen)
	metaindex, index, err := decodeFooter(tail.buf[tailLen-footerLen:], limit)
	if err != nil {
		return r.corrupt(limit, err)
	}
	if err := r.loadIndex(&tail, index, limit); err != nil {
		return err
	}
	return r.loadFilter(&tail, metaindex, limit)
}

func (r *Reader) loadIndex(tail *window, h handle, limit uint64) error {
	contents, err := r.readMetadata(tail, h)
	if err != nil {
		return err
	}
	if r.index, err = decodeIndex(contents, limit); err != nil {
		return r.corrupt(h.offset, fmt.Errorf("index: %w", err))
	}
	return nil
}

// loadFilter reads the filter that the metaindex names, if it is of our policy.
func (r *Reader) loadFilter(tail *window, metaindex handle, limit uint64) error {
	contents, err := r.readMetadata(tail, metaindex)
	if err != nil {
		return err
	}
	h, found, err := findFilter(contents, limit)
	if err != nil {
		return r.corrupt(metaindex.offset, fmt.Errorf("metaindex: %w", err))
	}
	if !found {
		return nil
	}
	if contents, err = r.readMetadata(tail, h); err != nil {
		return err
	}
	if r.filter, err = decodeFilter(contents); err != nil {
		return r.corrupt(h.offset, err)
	}
	return nil
}

// findFilter looks for our filter in the contents of a metaindex block.
func findFilter(contents []byte, limit uint64) (h handle, found bool, err error) {
	if err := checkBlock(contents); err != nil {
		return handle{}, false, err
	}
	b := newBlock(contents)
	err = b.forEach(func(key, value []byte) error {
		if string(key) != filterKey {
			return nil
		}
		found = true
		h, _, err = decodeHandle(value, limit)
		return err
	})
	return h, found, err
}

// readMetadata returns the contents of a block, from the tail if it is there.
func (r *Reader) readMetadata(tail *window, h handle) ([]byte, error) {
	if !tail.holds(h) {
		tail = &window{}
		if err := tail.read(r, h.offset, int(h.length+blockTrailerLen)); err != nil {
			return nil, err
		}
	}
	contents, err := decodeStored(nil, tail.stored(h))
	if err != nil {
		return nil, r.corrupt(h.offset, err)
	}
	return contents, nil
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

// cached returns data block i if it is in the cache.
func (r *Reader) cached(i int) ([]byte, bool) {
	if r.options.Blocks == nil {
		return nil, false
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
