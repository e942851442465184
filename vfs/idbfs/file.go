//go:build js && wasm

package idbfs

import (
	"fmt"

	"github.com/varvedb/varve/vfs"
)

// file is a file in memory. Its fields are guarded by FS.mu.
type file struct {
	id      int64
	name    string // "" once it is removed
	paged   bool   // no record was cut short, but perhaps the last
	sealed  bool   // it will not grow
	fenced  bool
	writing bool
	users   int // Readers, and calls under way

	queued    mark     // what was handed to the committer
	committed mark     // what the database has, and Readers see
	synced    mark     // what the last successful Sync covered
	stream    []record // pages that no Sync waits for, not yet handed over
	err       error    // why its Writer is dead

	stored   bool   // the database has an entry
	doubtful bool   // it may have one, though adding it has failed
	dirty    bool   // the entry there is not the current one
	dropping bool   // its records are being deleted, or about to be
	dropped  int64  // how many of them are
	content  []byte // of a file that was read whole before, for the first Open
}

// mark is a point in a file that records end at.
type mark struct{ records, size int64 }

func (f *file) load(e entry) {
	f.name = e.name
	f.sealed, f.paged, f.fenced = e.sealed, e.paged, e.fenced
	f.committed = mark{e.records, e.size}
	f.queued, f.synced = f.committed, f.committed
	f.content = nil
}

func (f *file) entry() entry {
	return entry{
		name: f.name, sealed: f.sealed, paged: f.paged, fenced: f.fenced,
		size: f.queued.size, records: f.queued.records,
	}
}

func (f *file) inUse() bool { return f.writing || f.users > 0 }

// records returns the range of the file's records up to a mark.
func (f *file) recordsTo(m mark) keyRange {
	return keyRange{recordKey(f.id, 0), recordKey(f.id, m.records)}
}

// allRecords returns the range of all the file's records, but for its fence.
func (f *file) allRecords() keyRange {
	if f.fenced {
		return f.recordsTo(f.committed)
	}
	return keyRange{recordKey(f.id, 0), recordKey(f.id+1, 0)}
}

// dropSize is about how much one transaction deletes. Browsers copy what a transaction deletes, to
// be able to undo it.
const dropSize = 2 << 20

// nextSlice returns the records that are to be deleted next, and whether they are the last.
func (f *file) nextSlice() (r keyRange, last bool) {
	r = f.allRecords()
	if f.committed.size <= dropSize {
		return r, true
	}
	r.start += f.dropped
	n := max(1, dropSize*f.committed.records/f.committed.size)
	if f.dropped+n >= f.committed.records {
		return r, true
	}
	r.end = r.start + n
	return r, false
}

// pageLen returns the length of a paged file's page.
func (f *file) pageLen(index int64) int {
	return int(min(pageSize, f.committed.size-index*pageSize))
}

// pageCount returns the number of pages of a file that nobody writes any more.
func (f *file) pageCount() int64 { return (f.committed.size + pageSize - 1) / pageSize }

// measure reads a file that an earlier owner did not seal, to know its size. The owner of the
// store seals it then, since nobody can add to it any more.
func (fs *FS) measure(f *file) error {
	fs.mu.Lock()
	if f.sealed || f.writing || !f.stored {
		fs.mu.Unlock()
		return nil
	}
	name, all := f.name, f.allRecords()
	f.users++
	fs.mu.Unlock()

	run, err := fs.pages.readRecords(all.start, all.end)

	fs.mu.Lock()
	defer fs.mu.Unlock()
	defer fs.release(f)
	if err != nil {
		return fmt.Errorf("measure %s: %w", name, err)
	}
	if f.fenced && run.records != f.committed.records {
		return fmt.Errorf("measure %s: %d of %d records are there: %w",
			name, run.records, f.committed.records, vfs.ErrDamaged)
	}
	fs.measured(f, run)
	return nil
}

// measured takes over what an unsealed file was found to hold.
func (fs *FS) measured(f *file, run runOfRecords) {
	fs.stats.Read.add(run.transactions, run.records, len(run.content))
	f.content = run.content
	f.committed = mark{run.records, int64(len(run.content))}
	f.queued, f.synced = f.committed, f.committed
	f.paged = run.paged
	if fs.epoch > 0 && f.fenced && f.name != "" {
		f.sealed = true
		fs.markDirty(f)
	}
}

// release ends a use of a file.
func (fs *FS) release(f *file) {
	f.users--
	fs.dropIfUnused(f)
	if f.dropping {
		fs.wake()
	}
}
