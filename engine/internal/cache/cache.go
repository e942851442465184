// Package cache keeps decoded table blocks in memory, bounded by bytes.
//
//  1. A block is never changed. Whoever has one may use it for as long as it likes: the
//     garbage collector owns it, eviction only forgets it.
//  2. What the cache holds is at most its capacity, bookkeeping included.
//  3. Blocks wanted by several goroutines at once are read once, and no lock is held meanwhile.
//  4. Blocks that were used once go before those that were used again (segmented LRU), and
//     Peek and loads that don't fill neither add nor reorder: a scan that uses these can't drive
//     out the blocks that point reads live on.
//
// All methods may be called by any number of goroutines.
package cache

import (
	"errors"
	"runtime"

	"github.com/varvedb/varve/engine/internal/base"
)

// Key names a block: a table and where in it the block begins.
type Key struct {
	File   base.FileNum
	Offset uint64
}

// ErrReadPanicked is what the other goroutines get that waited for a read that panicked.
var ErrReadPanicked = errors.New("cache: read of a block panicked")

// minShardCapacity keeps a shard large enough for its LRU order to mean something.
const minShardCapacity = 1 << 20

// maxShards is a power of two, as any number of shards is.
const maxShards = 16

// Cache maps keys to blocks.
type Cache struct {
	shards []shard
}

// New makes a cache that holds at most capacity bytes. With none it holds nothing, but still
// reads once what is wanted by several.
func New(capacity int64) *Cache {
	n := 1
	for n < min(2*runtime.GOMAXPROCS(0), maxShards) && capacity/int64(2*n) >= minShardCapacity && runtime.GOARCH != "wasm" {
		n *= 2
	}
	c := &Cache{shards: make([]shard, n)}
	for i := range c.shards {
		c.shards[i].init(capacity / int64(n))
	}
	return c
}

func (c *Cache) shard(k Key) *shard {
	hash := (uint64(k.File)*0x9e3779b97f4a7c15 ^ k.Offset) * 0xbf58476d1ce4e5b9
	return &c.shards[hash>>32&uint64(len(c.shards)-1)]
}

// Get returns a block if the cache holds it. It never waits: at the moment at which another
// goroutine changes the cache it may find nothing.
func (c *Cache) Get(k Key) ([]byte, bool) { return c.shard(k).get(k, true) }

// Peek is Get, but does not count as a use of the block.
func (c *Cache) Peek(k Key) ([]byte, bool) { return c.shard(k).get(k, false) }

// Load returns a block, calling read unless the cache holds it or another goroutine is
// reading it already. fill says whether the block is to be kept and to count as used.
func (c *Cache) Load(k Key, fill bool, read func() ([]byte, error)) ([]byte, error) {
	return c.shard(k).load(k, fill, read)
}

// TryAdd keeps a block that was read beside the cache. It never waits: at the moment at which
// another goroutine changes the cache the block is not kept.
func (c *Cache) TryAdd(k Key, block []byte) { c.shard(k).tryAdd(k, block) }

// EvictFile forgets all blocks of a file. It looks at every block: removing a file is rare.
func (c *Cache) EvictFile(num base.FileNum) {
	for i := range c.shards {
		c.shards[i].evictFile(num)
	}
}

// Metrics returns what the cache holds in bytes, how many calls were answered without a read,
// and how many reads were made.
func (c *Cache) Metrics() (bytes, hits, misses int64) {
	for i := range c.shards {
		b, h, m := c.shards[i].metrics()
		bytes, hits, misses = bytes+b, hits+h, misses+m
	}
	return bytes, hits, misses
}
