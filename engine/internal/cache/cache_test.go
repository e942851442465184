package cache

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

const blockSize = 1000

// room is a capacity for n blocks in one shard.
func room(n int) int64 { return int64(n) * (blockSize + entryOverhead) }

func key(i int) Key { return Key{File: base.FileNum(i / 100), Offset: uint64(i % 100)} }

// blockOf makes the block that belongs to a key, so that a wrong one is noticed.
func blockOf(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, blockSize/2) }

func load(t testing.TB, c *Cache, i int, fill bool) {
	t.Helper()
	block, err := c.Load(key(i), fill, func() ([]byte, error) { return blockOf(i), nil })
	if err != nil || !bytes.Equal(block, blockOf(i)) {
		t.Fatalf("load of block %d: wrong block, or %v", i, err)
	}
}

// holds returns which of the blocks below n are cached, leaving their order alone.
func holds(c *Cache, n int) []int {
	var held []int
	for i := range n {
		missed := false
		_, _ = c.Load(key(i), false, func() ([]byte, error) {
			missed = true
			return nil, nil
		})
		if !missed {
			held = append(held, i)
		}
	}
	return held
}

func wantHeld(t *testing.T, c *Cache, n int, want ...int) {
	t.Helper()
	if got := holds(c, n); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("blocks %v are cached, want %v", got, want)
	}
}

func TestTryAddKeepsABlockAndNeverWaits(t *testing.T) {
	c := New(room(10))
	c.TryAdd(key(1), blockOf(1))
	if block, ok := c.Get(key(1)); !ok || !bytes.Equal(block, blockOf(1)) {
		t.Error("what was added is not found")
	}
	other := blockOf(1)
	c.TryAdd(key(1), other)
	if block, _ := c.Get(key(1)); &block[0] == &other[0] {
		t.Error("a block that is there was replaced")
	}
	if bytes, _, _ := c.Metrics(); bytes != room(1) {
		t.Errorf("the cache counts %d bytes, want %d", bytes, room(1))
	}
	s := c.shard(key(2))
	s.mu.Lock()
	c.TryAdd(key(2), blockOf(2))
	s.mu.Unlock()
	if _, ok := c.Get(key(2)); ok {
		t.Error("a block was added while another goroutine changed the cache")
	}
}

func TestGetFindsWhatLoadFilled(t *testing.T) {
	c := New(room(10))
	if _, ok := c.Get(key(1)); ok {
		t.Fatal("an empty cache has a block")
	}
	load(t, c, 1, true)
	if block, ok := c.Get(key(1)); !ok || !bytes.Equal(block, blockOf(1)) {
		t.Fatal("the block that was loaded is not there")
	}
	load(t, c, 2, false)
	if _, ok := c.Get(key(2)); ok {
		t.Fatal("a load that did not fill left its block in the cache")
	}
}

func TestBlocksUsedLongestAgoGoFirst(t *testing.T) {
	c := New(room(3))
	for i := range 5 {
		load(t, c, i, true)
	}
	wantHeld(t, c, 5, 2, 3, 4)
}

func TestBlocksUsedTwiceOutliveAScanThatFills(t *testing.T) {
	c := New(room(10))
	for i := range 4 {
		load(t, c, i, true)
		c.Get(key(i))
	}
	for i := 10; i < 100; i++ {
		load(t, c, i, true)
	}
	wantHeld(t, c, 100, 0, 1, 2, 3, 94, 95, 96, 97, 98, 99)
}

func TestProtectedBlocksLeaveRoomForNewOnes(t *testing.T) {
	c := New(room(10))
	for i := range 10 {
		load(t, c, i, true)
	}
	for i := range 10 {
		c.Get(key(i))
	}
	// Eight fit the protected segment; 0 and 1 fell back and are the first to go.
	load(t, c, 50, true)
	load(t, c, 51, true)
	wantHeld(t, c, 60, 2, 3, 4, 5, 6, 7, 8, 9, 50, 51)
	load(t, c, 52, true)
	wantHeld(t, c, 60, 2, 3, 4, 5, 6, 7, 8, 9, 51, 52)
}

func TestScanThatDoesNotFillChangesNoOrder(t *testing.T) {
	c := New(room(3))
	for i := range 3 {
		load(t, c, i, true)
	}
	load(t, c, 0, false)
	if block, ok := c.Peek(key(0)); !ok || !bytes.Equal(block, blockOf(0)) {
		t.Fatal("a block that is there is not seen")
	}
	load(t, c, 3, true)
	wantHeld(t, c, 4, 1, 2, 3)
}

func TestEvictFileForgetsOnlyThatFile(t *testing.T) {
	c := New(room(10))
	for _, i := range []int{1, 2, 101, 102, 201} {
		load(t, c, i, true)
	}
	c.Get(key(102))
	before, _, _ := c.Metrics()
	c.EvictFile(1)
	wantHeld(t, c, 300, 1, 2, 201)
	after, _, _ := c.Metrics()
	if freed := before - after; freed != room(2) {
		t.Fatalf("%d bytes were freed, want %d", freed, room(2))
	}
	for i := 300; i < 307; i++ {
		load(t, c, i, true)
	}
	wantHeld(t, c, 307, 1, 2, 201, 300, 301, 302, 303, 304, 305, 306)
}

func TestEvictedBlockStaysAsItWas(t *testing.T) {
	c := New(room(1))
	load(t, c, 1, true)
	block, _ := c.Get(key(1))
	load(t, c, 2, true)
	wantHeld(t, c, 3, 2)
	if !bytes.Equal(block, blockOf(1)) {
		t.Fatal("the block changed when it was evicted")
	}
}

func TestCacheWithoutCapacityHoldsNothing(t *testing.T) {
	for _, capacity := range []int64{0, -1, entryOverhead + blockSize - 1} {
		c := New(capacity)
		load(t, c, 1, true)
		if _, ok := c.Get(key(1)); ok {
			t.Errorf("capacity %d: the block is cached", capacity)
		}
		if bytes, _, _ := c.Metrics(); bytes != 0 {
			t.Errorf("capacity %d: %d bytes held", capacity, bytes)
		}
	}
}

func TestBlockLargerThanTheCacheDrivesOutNothing(t *testing.T) {
	c := New(room(3))
	load(t, c, 1, true)
	if _, err := c.Load(key(2), true, func() ([]byte, error) { return make([]byte, room(3)), nil }); err != nil {
		t.Fatal(err)
	}
	wantHeld(t, c, 3, 1)
}

func TestMetricsCountBytesHitsAndReads(t *testing.T) {
	c := New(room(2))
	load(t, c, 1, true)  // read
	load(t, c, 1, true)  // hit
	c.Get(key(1))        // hit
	c.Get(key(2))        // neither: no read was made
	load(t, c, 2, false) // read
	bytes, hits, misses := c.Metrics()
	if bytes != room(1) || hits != 2 || misses != 2 {
		t.Fatalf("%d bytes, %d hits, %d misses; want %d, 2, 2", bytes, hits, misses, room(1))
	}
}

// whileReading starts a load of block 1 that ends as outcome does, calls during once the
// read is under way, and lets it end.
func whileReading(c *Cache, outcome func() ([]byte, error), during func()) (panicked any, err error) {
	reading, proceed, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { panicked = recover() }()
		_, err = c.Load(key(1), false, func() ([]byte, error) {
			close(reading)
			<-proceed
			return outcome()
		})
	}()
	<-reading
	during()
	close(proceed)
	<-ended
	return panicked, err
}

// waiters starts n loads of block 1, all of which must join the read under way.
func waiters(t *testing.T, c *Cache, n int, fill bool) (results chan error, blocks chan []byte) {
	results, blocks = make(chan error, n), make(chan []byte, n)
	_, before, _ := c.Metrics()
	for range n {
		go func() {
			block, err := c.Load(key(1), fill, func() ([]byte, error) {
				t.Error("a block is read twice at a time")
				return nil, nil
			})
			blocks <- block
			results <- err
		}()
	}
	for {
		if _, joined, _ := c.Metrics(); joined == before+int64(n) {
			return results, blocks
		}
		runtime.Gosched()
	}
}

func TestConcurrentLoadsOfOneBlockShareOneRead(t *testing.T) {
	for _, capacity := range []int64{room(3), 0} {
		c := New(capacity)
		const n = 8
		var results chan error
		var blocks chan []byte
		_, err := whileReading(c,
			func() ([]byte, error) { return blockOf(1), nil },
			func() { results, blocks = waiters(t, c, n, true) })
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			if block, err := <-blocks, <-results; err != nil || !bytes.Equal(block, blockOf(1)) {
				t.Fatalf("a waiter got a wrong block, or %v", err)
			}
		}
		if _, ok := c.Get(key(1)); ok != (capacity > 0) {
			t.Fatalf("capacity %d: block cached: %t; a waiter wanted it so", capacity, ok)
		}
	}
}

func TestOtherBlocksAreServedWhileOneIsRead(t *testing.T) {
	c := New(room(3))
	load(t, c, 2, true)
	_, _ = whileReading(c,
		func() ([]byte, error) { return blockOf(1), nil },
		func() {
			if _, ok := c.Get(key(2)); !ok {
				t.Error("a cached block is not found while another is read")
			}
			load(t, c, 3, true)
			c.EvictFile(7)
		})
}

func TestFailedReadReachesEveryWaiterAndIsTriedAgain(t *testing.T) {
	c := New(room(3))
	broken := errors.New("broken medium")
	var results chan error
	_, err := whileReading(c,
		func() ([]byte, error) { return nil, broken },
		func() { results, _ = waiters(t, c, 3, true) })
	if !errors.Is(err, broken) {
		t.Fatalf("%v, want %v", err, broken)
	}
	for range 3 {
		if err := <-results; !errors.Is(err, broken) {
			t.Fatalf("a waiter got %v, want %v", err, broken)
		}
	}
	load(t, c, 1, true)
}

func TestPanickingReadWakesEveryWaiter(t *testing.T) {
	c := New(room(3))
	var results chan error
	panicked, _ := whileReading(c,
		func() ([]byte, error) { panic("broken reader") },
		func() { results, _ = waiters(t, c, 3, true) })
	if panicked != "broken reader" {
		t.Fatalf("the panic became %v", panicked)
	}
	for range 3 {
		if err := <-results; !errors.Is(err, ErrReadPanicked) {
			t.Fatalf("a waiter got %v, want ErrReadPanicked", err)
		}
	}
	load(t, c, 1, true)
}

func TestGetAllocatesNothing(t *testing.T) {
	c := New(room(3))
	load(t, c, 1, true)
	if allocs := testing.AllocsPerRun(100, func() { c.Get(key(1)); c.Get(key(2)); c.Peek(key(1)) }); allocs != 0 {
		t.Fatalf("Get allocates %v times", allocs)
	}
}

func TestRandomUseKeepsTheListWhole(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var b blockList
	b.init(room(20))
	for range 20_000 {
		k := key(rng.IntN(400))
		switch rng.IntN(10) {
		case 0:
			if rng.IntN(20) == 0 {
				b.removeFile(k.File)
			}
		case 1, 2, 3:
			b.get(k, rng.IntN(4) > 0)
		default:
			if _, ok := b.get(k, true); !ok {
				b.add(k, make([]byte, rng.IntN(3*blockSize)))
			}
		}
		checkList(t, &b)
	}
}

func checkList(t *testing.T, b *blockList) {
	t.Helper()
	listed := 0
	for _, segment := range []uint32{probation, protected} {
		bytes := int64(0)
		for i := b.entries[segment].next; i != segment; i = b.entries[i].next {
			e := &b.entries[i]
			if e.segment != segment || b.index[e.key] != i || b.entries[e.next].prev != i {
				t.Fatalf("entry %d of segment %d is linked wrongly", i, segment)
			}
			bytes += e.charge()
			listed++
		}
		if bytes != b.used[segment] {
			t.Fatalf("segment %d has %d bytes, says %d", segment, bytes, b.used[segment])
		}
	}
	if listed != len(b.index) || listed+len(b.free)+segments != len(b.entries) {
		t.Fatalf("%d entries listed, %d indexed, %d free of %d", listed, len(b.index), len(b.free), len(b.entries))
	}
	if b.bytes() > b.capacity || b.used[protected] > b.capacity/5*4 {
		t.Fatalf("%d bytes, %d of them protected, exceed %d", b.bytes(), b.used[protected], b.capacity)
	}
}

func TestConcurrentUseReturnsTheRightBlocks(t *testing.T) {
	c := New(4 * minShardCapacity)
	var group sync.WaitGroup
	var reads atomic.Int64
	for g := range 4 {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 6))
			for range 4000 {
				i := rng.IntN(1 << (3 + rng.IntN(11)))
				if block, ok := c.Get(key(i)); ok {
					if !bytes.Equal(block, blockOf(i)) {
						t.Errorf("Get returned a wrong block for %d", i)
					}
					continue
				}
				block, err := c.Load(key(i), i%5 > 0, func() ([]byte, error) {
					reads.Add(1)
					return blockOf(i), nil
				})
				if err != nil || !bytes.Equal(block, blockOf(i)) {
					t.Errorf("Load returned a wrong block for %d, or %v", i, err)
				}
				if rng.IntN(500) == 0 {
					c.EvictFile(key(i).File)
				}
			}
		})
	}
	group.Wait()
	bytes, hits, misses := c.Metrics()
	if bytes == 0 || bytes > 4*minShardCapacity || hits == 0 || misses != reads.Load() {
		t.Fatalf("%d bytes, %d hits, %d misses; %d reads were made", bytes, hits, misses, reads.Load())
	}
}

// The benchmarks use what a cache of 16 MiB holds of 4 KiB blocks.
func benchCache(b *testing.B, blocks int) *Cache {
	c := New(16 << 20)
	for i := range blocks {
		if _, err := c.Load(key(i), true, func() ([]byte, error) { return make([]byte, 4096), nil }); err != nil {
			b.Fatal(err)
		}
	}
	return c
}

func BenchmarkReadCached(b *testing.B) {
	const blocks = 3000
	c := benchCache(b, blocks)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if _, ok := c.Get(key(n * 7919 % blocks)); !ok {
			b.Fatal("block is gone")
		}
	}
}

func BenchmarkReadCachedParallel(b *testing.B) {
	const blocks = 3000
	c := benchCache(b, blocks)
	b.RunParallel(func(pb *testing.PB) {
		for n := rand.IntN(blocks); pb.Next(); n++ {
			c.Get(key(n * 7919 % blocks))
		}
	})
}

func BenchmarkReplace(b *testing.B) {
	c := benchCache(b, 5000)
	block := make([]byte, 4096)
	b.ReportAllocs()
	for n := 5000; b.Loop(); n++ {
		_, _ = c.Load(key(n), true, func() ([]byte, error) { return block, nil })
	}
}

func BenchmarkEvictFile(b *testing.B) {
	c := benchCache(b, 5000)
	for n := 1000; b.Loop(); n++ {
		c.EvictFile(base.FileNum(n))
	}
}
