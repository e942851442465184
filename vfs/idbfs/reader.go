//go:build js && wasm

package idbfs

import (
	"fmt"
	"io"

	"github.com/varvedb/varve/vfs"
)

// reader is a vfs.Reader: of a paged file through the page cache, of others from memory.
type reader struct {
	fs      *FS
	file    *file
	name    string // for errors
	size    int64
	paged   bool
	content []byte // unless paged
	closed  bool

	next   int64 // the page at which a sequential reader goes on
	wanted int64 // pages before this one were asked for ahead
	window int64 // how many pages ahead are asked for
}

// The longer a Reader goes through its file in order, the more pages it has fetched ahead, at most
// half of what the cache holds. It asks for more by half of its window, so that two transactions are
// under way at any time: the browser is not to wait for us, nor we for it.
const (
	minWindow = 8
	maxWindow = 2 * pagesAtOnce
)

// Open implements vfs.FS.
func (fs *FS) Open(name string) (vfs.Reader, error) {
	f, pending, err := fs.startOpen(name)
	if err != nil {
		return nil, err
	}
	r := &reader{fs: fs, file: f, name: name}
	if pending != nil {
		<-pending.done
		err = pending.err
	}
	if err == nil {
		err = fs.measure(f)
	}
	if err == nil {
		err = r.load()
	}
	if err != nil {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		fs.release(f)
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return r, nil
}

// startOpen finds a file and, if it is complete but not yet written, lets it be written.
func (fs *FS) startOpen(name string) (f *file, pending *batch, err error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, err = fs.lookup("open", name)
	if err != nil {
		return nil, nil, err
	}
	f.users++
	if !f.writing && f.committed != f.queued {
		pending = fs.join(vfs.Relaxed)
	}
	return f, pending, nil
}

// load reads what is not read by the page.
func (r *reader) load() error {
	fs, f := r.fs, r.file
	fs.mu.Lock()
	end := f.committed
	r.size, r.paged = end.size, f.sealed && f.paged
	content := f.content
	f.content = nil
	fs.mu.Unlock()
	if r.paged && content == nil || end.size == 0 {
		return nil
	}
	r.paged = false
	if int64(len(content)) != end.size {
		records := f.recordsTo(end)
		run, err := fs.pages.readRecords(records.start, records.end)
		if err != nil {
			return err
		}
		content = run.content
		fs.mu.Lock()
		fs.stats.Read.add(run.transactions, run.records, len(content))
		fs.mu.Unlock()
	}
	if int64(len(content)) != end.size {
		return fmt.Errorf("%d of %d bytes are there: %w", len(content), end.size, vfs.ErrDamaged)
	}
	r.content = content
	return nil
}

// Size implements vfs.Reader.
func (r *reader) Size() int64 { return r.size }

// ReadAt implements vfs.Reader.
func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	r.fs.mu.Lock()
	closed, dead := r.closed, r.fs.err
	r.fs.mu.Unlock()
	switch {
	case closed:
		return 0, fmt.Errorf("read %s: %w", r.name, vfs.ErrClosed)
	case dead != nil:
		return 0, fmt.Errorf("read %s: %w", r.name, dead)
	case offset < 0:
		return 0, fmt.Errorf("read %s at %d: negative offset: %w", r.name, offset, vfs.ErrIO)
	case offset >= r.size:
		return 0, io.EOF
	}
	var end error
	if int64(len(p)) > r.size-offset {
		p = p[:r.size-offset]
		end = io.EOF
	}
	if !r.paged {
		return copy(p, r.content[offset:]), end
	}
	for done := 0; done < len(p); {
		at := offset + int64(done)
		n := min(len(p)-done, int(pagesAtOnce*pageSize-at%pageSize))
		if err := r.readPages(p[done:done+n], at); err != nil {
			return done, fmt.Errorf("read %s at %d: %w", r.name, at, err)
		}
		done += n
	}
	return len(p), end
}

// TryReadAt implements vfs.TryReader.
func (r *reader) TryReadAt(p []byte, offset int64) bool {
	if !r.fs.mu.TryLock() {
		return false
	}
	defer r.fs.mu.Unlock()
	return !r.closed && r.fs.err == nil && r.paged && offset >= 0 && offset+int64(len(p)) <= r.size &&
		r.fs.cache.tryRead(r.file, p, offset)
}

// readPages fills p, which lies within the file and in at most pagesAtOnce pages.
func (r *reader) readPages(p []byte, offset int64) error {
	first, last := offset/pageSize, (offset+int64(len(p))-1)/pageSize
	var pinned [pagesAtOnce]*page
	pages := pinned[:last-first+1]
	cache := r.fs.cache
	r.fs.mu.Lock()
	for i := range pages {
		pages[i] = cache.pin(r.file, first+int64(i))
	}
	fetch := cache.undertake()
	if !r.runAhead(first, last) && fetch {
		cache.pinNeighbours(r.file, first)
	}
	if cache.undertake() {
		go cache.fetchWanted() // pages ahead, for which this call does not wait
	}
	r.fs.mu.Unlock()
	if fetch {
		cache.fetchWanted()
	}

	var err error
	for i, page := range pages {
		if !page.loaded {
			<-page.ready
		}
		if page.err != nil {
			err = page.err
			continue
		}
		if i == 0 {
			copy(p, page.data[offset%pageSize:])
		} else {
			copy(p[int64(i)*pageSize-offset%pageSize:], page.data)
		}
	}
	r.fs.mu.Lock()
	defer r.fs.mu.Unlock()
	for _, page := range pages {
		cache.unpin(page)
	}
	return err
}

// runAhead asks for the pages behind those from first to last, if the Reader goes through the
// file in order.
func (r *reader) runAhead(first, last int64) (sequential bool) {
	sequential = first == r.next || first == r.next-1
	r.next = last + 1
	if !sequential || last == 0 {
		r.wanted, r.window = r.next, 0
		return false
	}
	if r.wanted > r.next+r.window/2 {
		return true
	}
	r.window = min(max(2*r.window, minWindow), maxWindow, int64(r.fs.cache.capacity/2))
	end := r.file.pageCount()
	r.wanted = max(r.wanted, r.next)
	for r.wanted < min(r.next+r.window, end) && r.fs.cache.ahead < r.fs.cache.maxAhead() {
		r.fs.cache.pinAhead(r.file, r.wanted)
		r.wanted++
	}
	return true
}

// Close implements vfs.Reader.
func (r *reader) Close() error {
	r.fs.mu.Lock()
	defer r.fs.mu.Unlock()
	if r.closed {
		return fmt.Errorf("close %s: %w", r.name, vfs.ErrClosed)
	}
	r.closed = true
	r.content = nil
	r.fs.release(r.file)
	return nil
}
