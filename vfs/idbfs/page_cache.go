//go:build js && wasm

package idbfs

import "container/list"

// minCapacity is how many pages are kept at least: enough for some sequential readers side by
// side, each with its pages ahead. What is read again and again is kept by the engine, as blocks.
const minCapacity = 64

// spareBuffers bounds the page buffers that are kept for use again.
const spareBuffers = 32

// pagesAtOnce bounds the pages of one transaction. More take several, all under way at once: the
// first pages are there while the browser still looks for the last.
const pagesAtOnce = 32

// neighbours is the number of pages of a part of a file that is fetched as a whole, for a reader of
// one of them, while there is room for more than sequential readers need: eight pages take the
// browser about twice as long as one.
const neighbours = 8

// pageCache holds the pages that were read last, and fetches others: those that are wanted in
// one turn of the scheduler together. It is guarded by FS.mu, but for what page says.
type pageCache struct {
	fs       *FS
	capacity int // in pages
	pages    map[int64]*page
	recent   *list.List // of *page, the most recently used first
	wanted   []*page
	beside   []*page // neighbours of those that are wanted
	fetching bool    // a goroutine is about to fetch what is wanted
	ahead    int     // pages that are there, or will be, before anybody read them
	made     int     // pages, ever
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

// maxAhead bounds what all readers of a store together have fetched ahead. The rest of the cache is
// for pages being read.
func (c *pageCache) maxAhead() int { return max(minCapacity*3/4, c.capacity/2) }

// newPageCache returns a cache for size bytes, or for the least that readers need.
func newPageCache(fs *FS, size int64) *pageCache {
	return &pageCache{
		fs:       fs,
		capacity: int(max(size/pageSize, minCapacity)),
		pages:    make(map[int64]*page),
		recent:   list.New(),
	}
}

// pin returns a page, which is ready now or will be once somebody fetches what is wanted.
func (c *pageCache) pin(f *file, index int64) *page {
	p, found := c.find(f, index)
	if !found {
		c.wanted = append(c.wanted, p)
	}
	c.setAhead(p, false)
	return p
}

// pinAhead lets a page come that is not there.
func (c *pageCache) pinAhead(f *file, index int64) {
	if c.pages[recordKey(f.id, index)] == nil {
		p, _ := c.find(f, index)
		c.wanted = append(c.wanted, p)
		c.setAhead(p, true)
		c.unpin(p)
	}
}

// pinNeighbours lets those of a page that is pinned come along, as long as there is room.
func (c *pageCache) pinNeighbours(f *file, index int64) {
	if c.recent.Len()+neighbours-1+minCapacity > c.capacity {
		return
	}
	start := index - index%neighbours
	for i := start; i < min(start+neighbours, f.pageCount()); i++ {
		if c.pages[recordKey(f.id, i)] == nil {
			p, _ := c.find(f, i)
			c.beside = append(c.beside, p)
			c.unpin(p)
		}
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

// find returns a page, pinned: one that was found, or a new one, which it is up to the caller to
// have fetched.
func (c *pageCache) find(f *file, index int64) (p *page, found bool) {
	key := recordKey(f.id, index)
	if p := c.pages[key]; p != nil {
		p.pins++
		c.recent.MoveToFront(p.place)
		return p, true
	}
	c.evict()
	c.made++
	p = &page{key: key, data: c.takeBuffer()[:f.pageLen(index)], pins: 2, number: c.made, ready: make(chan struct{})}
	p.place = c.recent.PushFront(p)
	c.pages[key] = p
	return p, false
}

// tryRead copies a part of a file that is there. It reports whether that was all of it.
func (c *pageCache) tryRead(f *file, p []byte, offset int64) bool {
	for len(p) > 0 {
		page := c.pages[recordKey(f.id, offset/pageSize)]
		if page == nil || !page.loaded {
			return false
		}
		c.setAhead(page, false)
		c.recent.MoveToFront(page.place)
		n := copy(p, page.data[offset%pageSize:])
		p, offset = p[n:], offset+int64(n)
	}
	return true
}

// keep takes the buffer of a page that was written, which is there then if there is more room than
// sequential readers need: a table is read as soon as it takes the place of others.
func (c *pageCache) keep(key int64, data []byte) {
	if c.capacity == minCapacity || cap(data) != pageSize || c.pages[key] != nil {
		c.recycle(data)
		return
	}
	c.evict()
	c.made++
	p := &page{key: key, data: data, loaded: true, number: c.made, ready: make(chan struct{})}
	close(p.ready)
	p.place = c.recent.PushFront(p)
	c.pages[key] = p
}

// forget drops the pages of a file that is gone.
func (c *pageCache) forget(f *file) {
	for i := range f.committed.records {
		if p := c.pages[recordKey(f.id, i)]; p != nil && p.pins == 0 {
			c.drop(p)
			c.recycle(p.data)
		}
	}
}

func (c *pageCache) unpin(p *page) {
	p.pins--
	if p.pins == 0 && c.pages[p.key] != p {
		c.recycle(p.data)
	}
}

// evict makes room for a page, as far as pages are not pinned. Pages ahead stay longer than those
// that were read, but not for a reader that never comes: after so many further pages they count as
// wanted no more.
func (c *pageCache) evict() {
	c.evictIf(func(p *page) bool { return !p.ahead || c.made-p.number > 2*c.capacity })
	c.evictIf(func(*page) bool { return true })
}

func (c *pageCache) evictIf(may func(p *page) bool) {
	for e := c.recent.Back(); e != nil && c.recent.Len() >= c.capacity; {
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
	pages, beside := c.wanted, c.beside
	c.wanted, c.beside = nil, nil
	c.fetching = false
	c.fs.mu.Unlock()
	if len(beside) > 0 {
		go c.fetch(beside) // behind the others, which are waited for
	}
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
	transactions, err := c.fs.pages.readPages(reads)

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
	c.fs.stats.Read.add(transactions, int64(len(pages)), bytes)
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
