// Package tables keeps the store's open tables: their index and filter in memory, bounded by
// bytes, and iterates over a level of them.
//
//  1. A table that is acquired stays open until it is released, evicted or not.
//  2. Finding an open table takes no lock: the set of open tables is a map that is replaced,
//     never changed.
//  3. Tables wanted by several goroutines at once are opened once. No lock is held meanwhile.
//
// Eviction is by the clock algorithm: a table that was used since the hand last passed stays.
package tables

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/vfs"
)

// maxOpen bounds the number of open files whatever their size.
const maxOpen = 500

// Cache opens tables and keeps them open.
type Cache struct {
	fs       vfs.FS
	blocks   *cache.Cache
	counters *sstable.Counters
	capacity int64

	open   atomic.Pointer[map[base.FileNum]*Table]
	hits   atomic.Int64
	misses atomic.Int64

	mu      sync.Mutex // guards what follows and the replacing of open; held for no I/O
	bytes   int64
	clock   []*Table // every open table; the hand passes over them
	hand    int
	opening map[base.FileNum]*opening
	closed  bool // tables opened from now on are their users' alone
}

type opening struct {
	done  chan struct{}
	table *Table
	err   error
}

// Table is an open table.
type Table struct {
	*sstable.Reader
	num  base.FileNum
	refs atomic.Int32 // one is the cache's
	used atomic.Bool
}

// Counters of a Cache.
type Counters struct {
	Bytes, Capacity, Hits, Misses int64
}

// New makes a cache of at most capacity bytes of indexes and filters. Readers take their
// blocks from blocks and count into counters.
func New(fs vfs.FS, capacity int64, blocks *cache.Cache, counters *sstable.Counters) *Cache {
	c := &Cache{fs: fs, blocks: blocks, counters: counters, capacity: capacity, opening: map[base.FileNum]*opening{}}
	c.open.Store(&map[base.FileNum]*Table{})
	return c
}

// TryAcquire returns the table if it is open, else base.ErrWouldWait.
func (c *Cache) TryAcquire(num base.FileNum) (*Table, error) {
	t := (*c.open.Load())[num]
	if t == nil || !t.tryRef() {
		return nil, base.ErrWouldWait
	}
	if !t.used.Load() {
		t.used.Store(true)
	}
	c.hits.Add(1)
	return t, nil
}

// Acquire returns the table, opening it if need be. The caller releases it.
func (c *Cache) Acquire(num base.FileNum) (*Table, error) {
	for {
		if t, err := c.TryAcquire(num); err == nil {
			return t, nil
		}
		c.mu.Lock()
		if t := (*c.open.Load())[num]; t != nil {
			c.mu.Unlock()
			continue
		}
		if o := c.opening[num]; o != nil {
			c.mu.Unlock()
			<-o.done
			if o.err != nil {
				return nil, o.err
			}
			continue
		}
		o := &opening{done: make(chan struct{})}
		c.opening[num] = o
		c.mu.Unlock()
		c.misses.Add(1)
		return c.finishOpening(num, o)
	}
}

func (c *Cache) finishOpening(num base.FileNum, o *opening) (*Table, error) {
	o.table, o.err = c.openTable(num)
	c.mu.Lock()
	delete(c.opening, num)
	var closing []*Table
	if o.err == nil {
		o.table.refs.Store(1)
		if !c.closed {
			closing = c.insert(o.table)
		}
	}
	c.mu.Unlock()
	close(o.done)
	for _, t := range closing {
		t.Release()
	}
	return o.table, o.err
}

func (c *Cache) openTable(num base.FileNum) (*Table, error) {
	name := base.FileName(base.FileTable, num)
	file, err := c.fs.Open(name)
	if errors.Is(err, vfs.ErrNotFound) {
		file, err = c.fs.Open(base.OldTableName(num))
	}
	if errors.Is(err, vfs.ErrNotFound) {
		return nil, base.Corruption(name, -1, "the table is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", name, err)
	}
	reader, err := sstable.NewReader(file, sstable.ReaderOptions{
		Num: num, Name: name, Blocks: c.blocks, Counters: c.counters,
	})
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Table{Reader: reader, num: num}, nil
}

// insert adds an open table and returns those that leave for it. c.mu is held.
func (c *Cache) insert(t *Table) (leaving []*Table) {
	t.refs.Add(1)
	t.used.Store(true)
	open := maps.Clone(*c.open.Load())
	for len(c.clock) > 0 && (c.bytes+t.MemorySize() > c.capacity || len(c.clock) >= maxOpen) {
		victim := c.nextVictim()
		c.bytes -= victim.MemorySize()
		delete(open, victim.num)
		leaving = append(leaving, victim)
	}
	open[t.num] = t
	c.clock = append(c.clock, t)
	c.bytes += t.MemorySize()
	c.open.Store(&open)
	return leaving
}

func (c *Cache) nextVictim() *Table {
	for {
		c.hand %= len(c.clock)
		t := c.clock[c.hand]
		if !t.used.CompareAndSwap(true, false) {
			c.removeFromClock(c.hand)
			return t
		}
		c.hand++
	}
}

func (c *Cache) removeFromClock(i int) {
	last := len(c.clock) - 1
	c.clock[i] = c.clock[last]
	c.clock[last] = nil
	c.clock = c.clock[:last]
}

// Evict forgets a table whose file is being removed.
func (c *Cache) Evict(num base.FileNum) {
	c.mu.Lock()
	var leaving *Table
	for i, t := range c.clock {
		if t.num == num {
			leaving = t
			c.removeFromClock(i)
			c.bytes -= t.MemorySize()
			open := maps.Clone(*c.open.Load())
			delete(open, num)
			c.open.Store(&open)
			break
		}
	}
	c.mu.Unlock()
	if leaving != nil {
		leaving.Release()
	}
	c.blocks.EvictFile(num)
}

// Close forgets every table, and keeps none from then on. Those that are acquired, now or later,
// are closed when they are released.
func (c *Cache) Close() {
	c.mu.Lock()
	leaving := c.clock
	c.closed = true
	c.clock, c.bytes = nil, 0
	c.open.Store(&map[base.FileNum]*Table{})
	c.mu.Unlock()
	for _, t := range leaving {
		t.Release()
	}
}

// Counters returns the cache's size and use.
func (c *Cache) Counters() Counters {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Counters{Bytes: c.bytes, Capacity: c.capacity, Hits: c.hits.Load(), Misses: c.misses.Load()}
}

func (t *Table) tryRef() bool {
	for {
		n := t.refs.Load()
		if n == 0 {
			return false
		}
		if t.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives back what Acquire or TryAcquire returned.
func (t *Table) Release() {
	if t.refs.Add(-1) == 0 {
		// The file was only read: its close can lose nothing.
		_ = t.Reader.Close()
	}
}
