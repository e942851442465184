//go:build js && wasm

package idbfs

import "container/list"

// cachedPages is how many pages are kept: enough for some sequential readers side by side,
// each with its pages ahead. What is read again and again is kept by the engine, as blocks.
const cachedPages = 64

// spareBuffers bounds the page buffers that are kept for use again.
const spareBuffers = 32

// pagesAtOnce bounds the pages of one transaction. More take several, all under way at once: the
// first pages are there while the browser still looks for the last.
const pagesAtOnce = 16

// forgetAfter is how many further pages are fetched before one ahead, that nobody has read by then,
// counts as wanted no more.
const forgetAfter = 2 * cachedPages

// pageCache holds the pages that were read last, and fetches others: those that are wanted in
// one turn of the scheduler together. It is guarded by FS.mu, but for what page says.
type pageCache struct {
	fs       *FS
	pages    map[int64]*page
	recent   *list.List // of *page, the most recently used first
	wanted   []*page
	fetching bool // a goroutine is about to fetch what is wanted
	ahead    int  // pages that are there, or will be, before anybody read them
	made     int  // pages, ever
	spare    [][]byte
}

// page is a page of a file. While it is pinned it stays in place. Its data may be read without
// FS.mu once it is loaded.
type page struct {
	key    int64
	data   []byte
	pins   int
	loaded bool
	ahead  bool          // nobody has read it yet
	number int           // in the order in which pages were made
	ready  chan struct{} // closed when the page is loaded, or err is set
	err    error
	place  *list.Element
}

func newPageCache(fs *FS) *pageCache {
	return &pageCache{fs: fs, pages: make(map[int64]*page), recent: list.New()}
}

// pin returns a page, which is ready now or will be once somebody fetches what is wanted.
func (c *pageCache) pin(f *file, index int64) *page {
	p := c.want(f, index)
	c.setAhead(p, false)
	return p
}

// pinAhead lets a page come that is not there.
func (c *pageCache) pinAhead(f *file, index int64) {
	if c.pages[recordKey(f.id, index)] == nil {
		p := c.want(f, index)
		c.setAhead(p, true)
		c.unpin(p)
	}
}

func (c *pageCache) setAhead(p *page, ahead bool) {
	if p.ahead != ahead {
		p.ahead = ahead
		if ahead {
			c.ahead++
		} else {
			c.ahead--
		}
	}
}

func (c *pageCache) want(f *file, index int64) *page {
	key := recordKey(f.id, index)
	if p := c.pages[key]; p != nil {
		p.pins++
		c.recent.MoveToFront(p.place)
		return p
	}
	c.evict()
	c.made++
	p := &page{key: key, data: c.takeBuffer()[:f.pageLen(index)], pins: 2, number: c.made, ready: make(chan struct{})}
	p.place = c.recent.PushFront(p)
	c.pages[key] = p
	c.wanted = append(c.wanted, p)
	return p
}

func (c *pageCache) unpin(p *page) {
	p.pins--
	if p.pins == 0 && c.pages[p.key] != p {
		c.recycle(p.data)
	}
}

// evict makes room for a page, as far as pages are not pinned. Pages ahead stay longer than those
// that were read, but not for a reader that never comes.
func (c *pageCache) evict() {
	c.evictIf(func(p *page) bool { return !p.ahead || c.made-p.number > forgetAfter })
	c.evictIf(func(*page) bool { return true })
}

func (c *pageCache) evictIf(may func(p *page) bool) {
	for e := c.recent.Back(); e != nil && c.recent.Len() >= cachedPages; {
		p := e.Value.(*page)
		e = e.Prev()
		if p.pins == 0 && may(p) {
			c.drop(p)
			c.recycle(p.data)
		}
	}
}

func (c *pageCache) drop(p *page) {
	c.setAhead(p, false)
	c.recent.Remove(p.place)
	delete(c.pages, p.key)
}

// undertake reports whether it is up to the caller to call fetchWanted.
func (c *pageCache) undertake() bool {
	if len(c.wanted) == 0 || c.fetching {
		return false
	}
	c.fetching = true
	return true
}

// fetchWanted reads the wanted pages, after all who can run have had the chance to want theirs.
func (c *pageCache) fetchWanted() {
	letOthersRun()
	c.fs.mu.Lock()
	pages := c.wanted
	c.wanted = nil
	c.fetching = false
	c.fs.mu.Unlock()
	c.fetch(pages)
}

// fetch reads the first of the pages, and lets the others follow.
func (c *pageCache) fetch(pages []*page) {
	if len(pages) > pagesAtOnce {
		go c.fetch(pages[pagesAtOnce:])
		pages = pages[:pagesAtOnce]
	}
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
