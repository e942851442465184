// Package memfs is a vfs.FS in memory, for tests and for stores that need not last.
//
// It knows what of its content would survive a crash, and Crash makes the file system that
// the survivors of one would find. It is as hostile as the contract of vfs allows:
//
//  1. While a file's Writer is open, List and a new Reader see its synced bytes only.
//  2. A removal may come undone for as long as no durable file has taken the name, though
//     only the last few removals are remembered.
//  3. Relaxed syncs stand in a journal until a Strict Sync or a Rename settles them; a loss
//     of power may cut the journal anywhere.
//  4. What a loss of power takes of a file may have left zeros, behind what was synced or from
//     the beginning of a sector on.
//
// A byte that was written never changes its place or value: clones and Readers share them.
// All methods are safe for concurrent use, but for those of one Writer.
package memfs

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"

	"github.com/varvedb/varve/vfs"
)

const (
	// maxJournal bounds the relaxed syncs that a loss of power may take: what is older
	// counts as written back at leisure.
	maxJournal = 4096

	// maxUndoable bounds the removals that may come undone, since each keeps its bytes.
	maxUndoable = 32

	// sectorSize is of what a crash leaves all or nothing, where it leaves zeros behind.
	sectorSize = 512
)

// FS is a directory in memory.
type FS struct {
	mu      sync.Mutex
	files   map[string]*file // the directory as its users see it
	settled map[string]*file // the directory that outlives a loss of power
	journal []syncPoint      // the relaxed syncs since, oldest first
	removed []*file          // the removals that may come undone, oldest first
	locked  bool
	closed  bool
}

// file is the content of a file; directories map names to it.
type file struct {
	data    []byte
	synced  int // the length that the last sync of any degree made durable
	settled int // the length that outlives a loss of power
	writing bool
	gone    bool // removed, and that can't come undone any more
}

// visible returns the length that a new Reader sees.
func (f *file) visible() int {
	if f.writing {
		return f.synced
	}
	return len(f.data)
}

// syncPoint is one relaxed sync.
type syncPoint struct {
	name   string // empty if the file was removed already
	file   *file
	length int
}

// New returns an empty FS.
func New() *FS {
	return &FS{files: make(map[string]*file), settled: make(map[string]*file)}
}

// Create implements vfs.FS.
func (fs *FS) Create(name string) (vfs.Writer, error) {
	if err := vfs.CheckName(name); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return nil, fmt.Errorf("create %s: %w", name, vfs.ErrClosed)
	}
	fs.unlink(name)
	f := &file{writing: true}
	fs.files[name] = f
	return &writer{fs: fs, file: f, name: name}, nil
}

// Open implements vfs.FS.
func (fs *FS) Open(name string) (vfs.Reader, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, err := fs.lookup(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return &reader{name: name, data: f.data[:f.visible()]}, nil
}

// Remove implements vfs.FS.
func (fs *FS) Remove(name string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if _, err := fs.lookup(name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	fs.unlink(name)
	return nil
}

// Rename implements vfs.FS. It refuses a file that is open for writing.
func (fs *FS) Rename(from, to string) error {
	if err := vfs.CheckName(to); err != nil {
		return fmt.Errorf("rename %s: %w", from, err)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, err := fs.lookup(from)
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, err)
	}
	if f.writing {
		return fmt.Errorf("rename %s to %s: still open for writing: %w", from, to, vfs.ErrIO)
	}
	fs.settle(len(fs.journal))
	delete(fs.settled, from)
	fs.settled[to] = f
	delete(fs.files, from)
	fs.files[to] = f
	return nil
}

// List implements vfs.FS.
func (fs *FS) List() ([]vfs.FileInfo, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return nil, fmt.Errorf("list: %w", vfs.ErrClosed)
	}
	infos := make([]vfs.FileInfo, 0, len(fs.files))
	for name, f := range fs.files {
		infos = append(infos, vfs.FileInfo{Name: name, Size: int64(f.visible())})
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name < infos[j].Name })
	return infos, nil
}

// Lock implements vfs.FS.
func (fs *FS) Lock() (io.Closer, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return nil, fmt.Errorf("lock: %w", vfs.ErrClosed)
	}
	if fs.locked {
		return nil, fmt.Errorf("lock: %w", vfs.ErrLocked)
	}
	fs.locked = true
	return &lock{fs: fs}, nil
}

// Close implements vfs.FS. A Clone of a closed FS is open and has its files.
func (fs *FS) Close() error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return fmt.Errorf("close: %w", vfs.ErrClosed)
	}
	fs.closed = true
	return nil
}

func (fs *FS) lookup(name string) (*file, error) {
	if fs.closed {
		return nil, vfs.ErrClosed
	}
	if err := vfs.CheckName(name); err != nil {
		return nil, err
	}
	f, ok := fs.files[name]
	if !ok {
		return nil, vfs.ErrNotFound
	}
	return f, nil
}

// unlink takes a name from the directory, if it is there. The settled directory keeps it,
// so that a crash may undo it.
func (fs *FS) unlink(name string) {
	f, ok := fs.files[name]
	if !ok {
		return
	}
	delete(fs.files, name)
	fs.removed = append(fs.removed, f)
	if len(fs.removed) > maxUndoable {
		fs.forget(fs.removed[0])
		fs.removed = slices.Delete(fs.removed, 0, 1)
	}
}

// forget makes the removal of f final.
func (fs *FS) forget(f *file) {
	f.gone = true
	for name, settled := range fs.settled {
		if settled == f {
			delete(fs.settled, name)
		}
	}
}

// settle makes the first n syncs of the journal safe from a loss of power.
func (fs *FS) settle(n int) {
	for _, p := range fs.journal[:n] {
		p.file.settled = p.length
		if p.name != "" && !p.file.gone {
			fs.settled[p.name] = p.file
		}
	}
	fs.journal = slices.Delete(fs.journal, 0, n)
}

type lock struct {
	fs     *FS
	closed bool
}

func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.closed {
		return fmt.Errorf("unlock: %w", vfs.ErrClosed)
	}
	l.closed = true
	l.fs.locked = false
	return nil
}
