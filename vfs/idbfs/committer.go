//go:build js && wasm

package idbfs

import (
	"errors"
	"runtime"

	"github.com/varvedb/varve/vfs"
)

const pageSize = 32 << 10

// committer holds what waits to be written. Its fields are guarded by FS.mu.
//
// What a Sync or a Rename waits for goes in the next transaction, together with every change
// of the directory. The pages of files that are still being filled go in transactions of
// their own, when nothing more urgent waits, see stream.go; deletions come last, a file at a
// time. One transaction follows the other, but for those of pages alone.
type committer struct {
	running   bool
	awake     bool       // changes of the directory are to be written though nobody waits
	dirty     []*file    // whose entries changed
	records   []record   // of syncs and of closed files
	deleted   []keyRange // records that a dead Writer left behind its last Sync
	streams   []*file    // that have enough for a transaction of their own
	streaming []*batch   // of pages alone, that are being committed, in their order
	drops     []*file    // to be deleted
	next      *batch     // that callers wait for; nil if none do
	flying    *batch     // that is being committed
	unstrict  bool       // something was committed since the last strict transaction
	failed    bool       // the last transaction failed
}

// batch is what one transaction writes, and who waits for it.
type batch struct {
	writes
	drop    *file
	dropEnd int64             // the record up to which drop is deleted; 0: all of it
	after   []func(err error) // called under FS.mu when it is over
	grow    bool              // nothing is written but the headroom
	sweep   bool              // nothing is done but to look for records without an entry
	done    chan struct{}
	err     error
}

// join makes the caller wait for what is queued by now. After done is closed, err tells.
func (fs *FS) join(d vfs.Durability) *batch {
	b := fs.enqueue(d)
	fs.wake()
	return b
}

func (fs *FS) enqueue(d vfs.Durability) *batch {
	c := &fs.commit
	if c.next == nil {
		c.next = &batch{done: make(chan struct{})}
	}
	if d == vfs.Strict {
		c.next.strict = true
	}
	return c.next
}

// carryOut is join, and the waiting. It is called with FS.mu held, and returns without. Where
// nobody is committing, the caller does: a goroutine more would cost a tenth of a commit.
func (fs *FS) carryOut(d vfs.Durability) *batch {
	b, c := fs.enqueue(d), &fs.commit
	c.awake = true
	leads := !c.running
	c.running = true
	fs.mu.Unlock()
	if leads {
		letOthersRun() // and come along
		fs.commitFor(b)
	}
	<-b.done
	return b
}

// wake lets the committer run, in a goroutine that ends when there is no work. Goroutines run
// in the order in which they became runnable, so all who can already run come along.
func (fs *FS) wake() {
	fs.commit.awake = true
	fs.runCommitter()
}

// letOthersRun lets all run who already can. The scheduler takes one who gives way in such a place
// out of turn now and then, but not twice in a row.
func letOthersRun() {
	runtime.Gosched()
	runtime.Gosched()
}

func (fs *FS) runCommitter() {
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
	for fs.commitNext() != nil {
	}
}

// commitFor commits until b is done, and leaves what is left to commitAll.
func (fs *FS) commitFor(b *batch) {
	for fs.commitNext() != b {
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	c := &fs.commit
	if c.next != nil || c.awake || len(c.streams) > 0 || fs.headroom.due || fs.sweep.due {
		go fs.commitAll()
		return
	}
	c.running = false
}

// commitNext commits what is next, and returns it. If there is nothing, it returns nil and the
// committer has come to rest.
func (fs *FS) commitNext() *batch {
	fs.mu.Lock()
	fs.awaitStreaming()
	b := fs.take()
	fs.commit.flying = b
	if b == nil {
		fs.commit.running = false
		fs.sendStreams()
		fs.mu.Unlock()
		return nil
	}
	err := fs.err
	fs.mu.Unlock()

	switch {
	case err != nil:
	case b.grow:
		fs.growHeadroom()
	case b.sweep:
		fs.sweepSlice()
	case !b.empty():
		err = fs.commitBatch(b)
	}

	fs.mu.Lock()
	fs.finish(b, err)
	fs.mu.Unlock()
	close(b.done)
	return b
}

// take returns the next transaction's work, or nil.
func (fs *FS) take() *batch {
	c := &fs.commit
	if len(c.drops) > 0 && fs.headroom.low && c.awake && !c.drops[0].dirty {
		// What others write waits for this space, unless the last deletion failed.
		b := &batch{done: make(chan struct{})}
		fs.takeDrop(b)
		c.awake = true
		return b
	}
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
		case len(c.streams) > 0 && !c.awake && !fs.headroom.low && fs.canStream():
			return nil
		case len(c.streams) > 0 && !fs.headroom.low:
			fs.takeStream(b)
		case fs.sweep.due && !c.awake:
			b.sweep = true
			return b
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
		case f == b.drop && b.dropEnd == 0, f.name == "" && !f.stored && !f.inUse():
			continue
		case !f.stored && !f.doubtful:
			w.op = addEntry
		}
		b.entries = append(b.entries, w)
	}
	fs.commit.dirty = nil
	switch hasRoot := fs.names[rootFile] != nil; {
	case len(b.entries) == 0 || hasRoot == fs.made && !fs.doubtful:
	case hasRoot:
		b.root = rootMade
	default:
		b.root = rootRemoved
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

// logBytes returns how much of the batch callers wrote just now.
func (b *batch) logBytes() (n int64) {
	for _, r := range b.records {
		if r.file.isLog() {
			n += int64(len(r.data))
		}
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
		if err == nil && r.file.err == nil && r.file.paged && !r.file.isLog() {
			fs.cache.keep(r.key, r.data)
		} else {
			fs.cache.recycle(r.data)
		}
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
		if r.file.err != nil { // its Writer died meanwhile
			c.deleted = append(c.deleted, keyRange{r.key, r.key + 1})
			c.awake = true
			continue
		}
		r.file.committed.records++
		r.file.committed.size += int64(len(r.data))
	}
	for _, e := range b.entries {
		e.file.stored, e.file.doubtful = e.op != deleteEntry, false
	}
	if b.root != rootStays {
		fs.made, fs.doubtful = b.root == rootMade, false
	}
	if len(b.entries) > 0 && !fs.headroom.low {
		wanted := fs.piecesWanted()
		fs.headroom.due = fs.headroom.pieces < wanted || fs.headroom.pieces > 2*wanted
	}
	switch {
	case b.drop == nil:
	case b.dropEnd > 0:
		b.drop.dropped = b.dropEnd
		c.drops = append(c.drops, b.drop)
		c.awake = true
	default:
		fs.forget(b.drop)
		fs.headroom.waste.add(deletedFile{b.drop.id, b.drop.committed.records})
		fs.headroom.waste.bytes += b.drop.committed.size
		fs.tidyLater()
	}
}

// finishFailure makes the Writers dead whose bytes are lost. Changes of the directory wait
// for the next transaction. What failed may have been carried out, if the connection was lost.
func (fs *FS) finishFailure(b *batch, err error) {
	c := &fs.commit
	if errors.Is(err, vfs.ErrLocked) || errors.Is(err, vfs.ErrClosed) {
		fs.die(err)
		return
	}
	fs.doubtful = fs.doubtful || b.root != rootStays
	for _, r := range b.records {
		fs.killWriter(r.file, err)
	}
	for _, e := range b.entries {
		if e.op != deleteEntry {
			e.file.doubtful = fs.epoch > 0
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
	if f.queued.records > f.synced.records {
		surplus := keyRange{recordKey(f.id, f.synced.records), recordKey(f.id, f.queued.records)}
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
	fs.headroom.due, fs.sweep.due = false, false
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
		fs.beginUpkeep()
		fs.awaitStreaming()
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
