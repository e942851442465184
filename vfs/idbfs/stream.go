//go:build js && wasm

package idbfs

import (
	"slices"
	"strings"
)

const (
	// streamSize is how much of a file is written at once before a Sync wants it. A longer
	// transaction would keep reads and syncs waiting for longer.
	streamSize = 256 << 10

	// streamsAtOnce is how many transactions of a table's pages are under way, so that the browser
	// has the next when it has carried out one.
	streamsAtOnce = 2
)

func streamedBytes(f *file) (n int) {
	for _, r := range f.stream {
		n += len(r.data)
	}
	return n
}

// startStream lets a file's full pages be committed before anybody waits for them.
func (fs *FS) startStream(f *file) {
	c := &fs.commit
	if !slices.Contains(c.streams, f) {
		c.streams = append(c.streams, f)
	}
	fs.sendStreams()
}

// canStream reports whether the pages that are to go next may go alone: their file has an entry.
func (fs *FS) canStream() bool { return fs.commit.streams[0].stored }

// mostStreams is how many transactions may be under way with the next. If the tab dies while one of
// two is tried again, a gap is left, which in a log is damage.
func (fs *FS) mostStreams() int {
	if strings.HasSuffix(fs.commit.streams[0].name, ".ldb") {
		return streamsAtOnce
	}
	return 1
}

// sendStreams begins transactions of pages alone, unless commitAll is at work. What cannot go
// alone it leaves to commitAll. While the store is low all wait for their Sync: the pages of a table
// that then finds no space would take some for nothing.
func (fs *FS) sendStreams() {
	c := &fs.commit
	for !c.running && !fs.headroom.low && len(c.streams) > 0 && len(c.streaming) < fs.mostStreams() {
		if !fs.canStream() {
			fs.runCommitter()
			return
		}
		b := &batch{writes: writes{epoch: fs.epoch}, done: make(chan struct{})}
		fs.takeStream(b)
		if b.empty() {
			continue // a Sync has taken them
		}
		var before *batch
		if n := len(c.streaming); n > 0 {
			before = c.streaming[n-1]
		}
		c.streaming = append(c.streaming, b)
		go fs.commitStream(b, before)
	}
}

// commitStream commits pages. They count as written when those of the batch before do, so that
// what is committed of a file has no gap.
func (fs *FS) commitStream(b, before *batch) {
	err := fs.commitBatch(b)
	if before != nil {
		<-before.done
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	c := &fs.commit
	fs.finish(b, err)
	close(b.done)
	c.streaming = c.streaming[1:]
	if idle := len(c.streams)+len(c.streaming) == 0; c.awake || idle && fs.sweep.due {
		fs.runCommitter()
	}
	fs.sendStreams()
}

// awaitStreaming waits until no transaction of pages alone is under way. It is called with FS.mu
// held, which it gives up meanwhile.
func (fs *FS) awaitStreaming() {
	for n := len(fs.commit.streaming); n > 0; n = len(fs.commit.streaming) {
		last := fs.commit.streaming[n-1]
		fs.mu.Unlock()
		<-last.done
		fs.mu.Lock()
	}
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
