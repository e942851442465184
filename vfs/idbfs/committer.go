//go:build js && wasm

package idbfs

import (
	"errors"
	"runtime"

	"github.com/varvedb/varve/vfs"
)

const (
	pageSize = 32 << 10

	// streamSize is how much of a file is written at once before a Sync wants it. A longer
	// transaction would keep reads and syncs waiting for longer.
	streamSize = 256 << 10
)

// committer holds what waits to be written. Its fields are guarded by FS.mu.
//
// What a Sync or a Rename waits for goes in the next transaction, together with every change
// of the directory. The pages of files that are still being filled go in transactions of
// their own, when nothing more urgent waits; deletions come last, a file at a time.
type committer struct {
	running  bool
	awake    bool       // changes of the directory are to be written though nobody waits
	dirty    []*file    // whose entries changed
	records  []record   // of syncs and of closed files
	deleted  []keyRange // records that a dead Writer left behind its last Sync
	streams  []*file    // that have enough for a transaction of their own
	drops    []*file    // to be deleted
	next     *batch     // that callers wait for; nil if none do
	flying   *batch     // that is being committed
	unstrict bool       // something was committed since the last strict transaction
	failed   bool       // the last transaction failed
}

// batch is what one transaction writes, and who waits for it.
type batch struct {
	writes
	drop    *file
	dropEnd int64             // the record up to which drop is deleted; 0: all of it
	after   []func(err error) // called under FS.mu when it is over
	grow    bool              // nothing is written but the headroom
	done    chan struct{}
	err     error
}

// join makes the caller wait for what is queued by now. After done is closed, err tells.
func (fs *FS) join(d vfs.Durability) *batch {
	c := &fs.commit
	if c.next == nil {
		c.next = &batch{done: make(chan struct{})}
	}
	if d == vfs.Strict {
		c.next.strict = true
	}
	fs.wake()
	return c.next
}

// wake lets the committer run, in a goroutine that ends when there is no work. Goroutines run
// in the order in which they became runnable, so all who can already run come along.
func (fs *FS) wake() {
	fs.commit.awake = true
	if !fs.commit.running {
		fs.commit.running = true
		go fs.commitAll()
	}
}

// markDirty lets a file's entry be written with the next transaction that takes entries.
func (fs *FS) markDirty(f *file) {
	if !f.dirty {
		f.dirty = true
		fs.commit.dirty = append(fs.commit.dirty, f)
	}
}

// discardQueued drops the records of a file that nobody will read.
func (fs *FS) discardQueued(f *file) {
	f.stream = nil
	kept := fs.commit.records[:0]
	for _, r := range fs.commit.records {
		if r.file != f {
			kept = append(kept, r)
		}
	}
	clear(fs.commit.records[len(kept):])
	fs.commit.records = kept
}

// commitAll commits until nothing is left to do.
func (fs *FS) commitAll() {
	for {
		fs.mu.Lock()
		b := fs.take()
		fs.commit.flying = b
		if b == nil {
			fs.commit.running = false
			fs.mu.Unlock()
			return
		}
		dead := fs.err
		fs.mu.Unlock()

		err := dead
		switch {
		case err != nil:
		case b.grow:
			fs.growHeadroom()
		case !b.empty():
			err = fs.commitBatch(b)
		}

		fs.mu.Lock()
		fs.finish(b, err)
		fs.mu.Unlock()
		close(b.done)
	}
}

// take returns the next transaction's work, or nil.
func (fs *FS) take() *batch {
	c := &fs.commit
	if fs.headroom.due && (fs.headroom.low || c.next == nil) {
		return &batch{grow: true, done: make(chan struct{})}
	}
	b := c.next
	c.next = nil
	if b == nil {
		b = &batch{done: make(chan struct{})}
		switch {
		case c.failed && len(c.drops) > 0:
			// Where there is no space left, only a deletion by itself succeeds.
			fs.takeDrop(b)
			c.awake = true
			return b
		case len(c.streams) > 0:
			fs.takeStream(b)
		case !c.awake:
			return nil
		case len(c.drops) > 0:
			fs.takeDrop(b)
		}
	}
	// Entries may tell of all records that are queued, so they never go without them.
	b.records = append(b.records, c.records...)
	b.deleted = append(b.deleted, c.deleted...)
	c.records, c.deleted = nil, nil
	fs.takeEntries(b)
	c.awake = len(c.drops) > 0
	b.epoch = fs.epoch
	b.touch = b.strict && c.unstrict && b.empty()
	return b
}

// takeEntries takes the changes of the directory, each entry as it is now.
func (fs *FS) takeEntries(b *batch) {
	for _, f := range fs.commit.dirty {
		f.dirty = false
		w := entryWrite{file: f, entry: f.entry(), op: putEntry}
		switch {
		case f == b.drop, f.name == "" && !f.stored && !f.inUse():
			continue
		case !f.stored:
			w.op = addEntry
		}
		b.entries = append(b.entries, w)
	}
	fs.commit.dirty = nil
}

// takeStream takes one file's waiting pages, so far as they make one short transaction.
func (fs *FS) takeStream(b *batch) {
	c := &fs.commit
	f := c.streams[0]
	taken, size := 0, 0
	for taken < len(f.stream) && size < streamSize {
		size += len(f.stream[taken].data)
		taken++
	}
	b.records = append(b.records, f.stream[:taken]...)
	f.stream = f.stream[taken:]
	if streamedBytes(f) < streamSize {
		c.streams = c.streams[1:]
	}
}

// takeDrop takes the deletion of one file, or of a part of it.
func (fs *FS) takeDrop(b *batch) {
	c := &fs.commit
	f := c.drops[0]
	c.drops = c.drops[1:]
	b.drop = f
	b.epoch = fs.epoch
	if !f.stored {
		return
	}
	r, last := f.nextSlice()
	if r.start < r.end {
		b.deleted = append(b.deleted, r)
	}
	b.dropEnd = r.end & indexMask
	if last {
		b.entries = append(b.entries, entryWrite{file: f, op: deleteEntry})
		b.dropEnd = 0
	}
}

func (b *batch) empty() bool {
	return len(b.records) == 0 && len(b.entries) == 0 && len(b.deleted) == 0 && !b.touch
}

func (b *batch) bytes() (n int64) {
	for _, r := range b.records {
		n += int64(len(r.data))
	}
	return n
}

// finish records what became of a batch.
func (fs *FS) finish(b *batch, err error) {
	c := &fs.commit
	c.flying = nil
	b.err = err
	if err == nil {
		fs.finishSuccess(b)
	} else {
		fs.finishFailure(b, err)
	}
	for _, f := range b.after {
		f(err)
	}
	for _, r := range b.records {
		fs.cache.recycle(r.data)
	}
}

func (fs *FS) finishSuccess(b *batch) {
	c := &fs.commit
	c.failed = false
	if !b.empty() {
		c.unstrict = !b.strict
		fs.stats.count(&b.writes)
	}
	for _, r := range b.records {
		r.file.committed.records++
		r.file.committed.size += int64(len(r.data))
	}
	for _, e := range b.entries {
		e.file.stored = e.op != deleteEntry
	}
	if len(b.entries) > 0 && !fs.headroom.low && fs.headroom.pieces < fs.piecesWanted() {
		fs.headroom.due = true
	}
	switch {
	case b.drop == nil:
	case b.dropEnd > 0:
		b.drop.dropped = b.dropEnd
		c.drops = append(c.drops, b.drop)
		c.awake = true
	default:
		fs.forget(b.drop)
		fs.headroom.due = fs.headroom.due || fs.headroom.low
	}
}

// finishFailure makes the Writers dead whose bytes are lost. Changes of the directory wait
// for the next transaction.
func (fs *FS) finishFailure(b *batch, err error) {
	c := &fs.commit
	if errors.Is(err, vfs.ErrLocked) || errors.Is(err, vfs.ErrClosed) {
		fs.die(err)
		return
	}
	for _, r := range b.records {
		fs.killWriter(r.file, err)
	}
	for _, e := range b.entries {
		if e.op != deleteEntry {
			fs.markDirty(e.file)
		}
	}
	c.deleted = append(c.deleted, b.deleted...)
	if b.drop != nil {
		c.drops = append(c.drops, b.drop)
	}
	// A deletion is tried once more by itself; after that, with the next other work.
	alone := b.drop != nil && len(b.records) == 0 && len(b.entries) <= 1
	c.failed = !alone && len(c.drops) > 0
	if alone {
		c.awake = false
	}
}

// killWriter makes a file's Writer dead and takes the file back to its last Sync.
func (fs *FS) killWriter(f *file, err error) {
	if f.err != nil {
		return
	}
	f.err = err
	fs.discardQueued(f)
	if f.committed.records > f.synced.records {
		surplus := keyRange{recordKey(f.id, f.synced.records), recordKey(f.id, f.committed.records)}
		fs.commit.deleted = append(fs.commit.deleted, surplus)
	}
	f.queued, f.committed = f.synced, f.synced
}

// die makes every further call fail.
func (fs *FS) die(err error) {
	if fs.err == nil {
		fs.err = err
	}
	c := &fs.commit
	c.dirty, c.records, c.deleted, c.streams, c.drops = nil, nil, nil, nil, nil
	c.awake, c.failed = false, false
}

// flush commits everything that is queued.
func (fs *FS) flush(d vfs.Durability) error {
	fs.mu.Lock()
	if err := fs.err; err != nil {
		fs.mu.Unlock()
		return err
	}
	b := fs.join(d)
	fs.mu.Unlock()
	<-b.done
	return b.err
}

// drain commits everything, and deletes what is to be deleted.
func (fs *FS) drain() error {
	err := fs.flush(vfs.Relaxed)
	for {
		fs.mu.Lock()
		running, flying := fs.commit.running, fs.commit.flying
		fs.mu.Unlock()
		switch {
		case !running:
			return err
		case flying == nil:
			runtime.Gosched()
		default:
			<-flying.done
		}
	}
}
