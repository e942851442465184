//go:build js && wasm

package idbfs

import "container/list"

// cachedPages is how many pages are kept: enough for some sequential readers side by side,
// each with its pages ahead. What is read again and again is kept by the engine, as blocks.
const cachedPages = 64

// spareBuffers bounds the page buffers that are kept for use again.
const spareBuffers = 32

// pageCache holds the pages that were read last, and fetches others: those that are wanted in
// one turn of the scheduler with one transaction. It is guarded by FS.mu, but for what page
// says.
type pageCache struct {
	fs       *FS
	pages    map[int64]*page
	recent   *list.List // of *page, the most recently used first
	wanted   []*page
	fetching bool
	spare    [][]byte
}

// page is a page of a file. While it is pinned it stays in place. Its data may be read without
// FS.mu once it is loaded.
type page struct {
	key    int64
	data   []byte
	pins   int
	loaded bool
	ready  chan struct{} // closed when the page is loaded, or err is set
	err    error
	place  *list.Element
}

func newPageCache(fs *FS) *pageCache {
	return &pageCache{fs: fs, pages: make(map[int64]*page), recent: list.New()}
}

// pin returns a page, which is ready now or will be.
func (c *pageCache) pin(f *file, index int64) *page {
	key := recordKey(f.id, index)
	if p := c.pages[key]; p != nil {
		p.pins++
		c.recent.MoveToFront(p.place)
		return p
	}
	c.evict()
	p := &page{key: key, data: c.takeBuffer()[:f.pageLen(index)], pins: 2, ready: make(chan struct{})}
	p.place = c.recent.PushFront(p)
	c.pages[key] = p
	c.wanted = append(c.wanted, p)
	if !c.fetching {
		c.fetching = true
		go c.fetch()
	}
	return p
}

func (c *pageCache) unpin(p *page) {
	p.pins--
	if p.pins == 0 && c.pages[p.key] != p {
		c.recycle(p.data)
	}
}

// evict makes room for a page, as far as pages are not pinned.
func (c *pageCache) evict() {
	for e := c.recent.Back(); e != nil && c.recent.Len() >= cachedPages; {
		p := e.Value.(*page)
		e = e.Prev()
		if p.pins == 0 {
			c.drop(p)
			c.recycle(p.data)
		}
	}
}

func (c *pageCache) drop(p *page) {
	c.recent.Remove(p.place)
	delete(c.pages, p.key)
}

// fetch reads the wanted pages. Goroutines run in the order in which they became runnable, so
// all who could run when the first page was wanted have had the chance to want theirs.
func (c *pageCache) fetch() {
	c.fs.mu.Lock()
	pages := c.wanted
	c.wanted = nil
	c.fetching = false
	c.fs.mu.Unlock()

	reads := make([]pageRead, len(pages))
	for i, p := range pages {
		reads[i] = pageRead{key: p.key, dest: p.data}
	}
	err := c.fs.pages.readPages(reads)

	c.fs.mu.Lock()
	defer c.fs.mu.Unlock()
	bytes := 0
	for i, p := range pages {
		p.err = err
		if err == nil {
			p.err = reads[i].err
		}
		p.loaded = p.err == nil
		if p.err != nil {
			c.drop(p)
		}
		close(p.ready)
		bytes += len(p.data)
		c.unpin(p)
	}
	c.fs.stats.Read.add(int64(len(pages)), bytes)
}

// takeBuffer returns a buffer of a page's length.
func (c *pageCache) takeBuffer() []byte {
	n := len(c.spare)
	if n == 0 {
		return make([]byte, pageSize)
	}
	buffer := c.spare[n-1]
	c.spare = c.spare[:n-1]
	return buffer[:pageSize]
}

// recycle takes a buffer back if it is one of a page's length.
func (c *pageCache) recycle(buffer []byte) {
	if cap(buffer) == pageSize && len(c.spare) < spareBuffers {
		c.spare = append(c.spare, buffer)
	}
}
