//go:build js && wasm

package idbfs

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"
	"time"

	"github.com/varvedb/varve/vfs"
)

// Options of Open. The zero value makes the store if it is missing.
type Options struct {
	// MustExist makes Open fail with vfs.ErrNotFound instead of making a new store.
	MustExist bool

	// MustBeNew makes Open fail with ErrExists if there is a store already.
	MustBeNew bool

	// Lock makes Open take the lock, while the browser connects: the first call of Lock returns that
	// one. It fails with vfs.ErrLocked if another owner has it.
	Lock bool

	// OpenTimeout bounds how long the browser may take to connect. Default 10 s.
	OpenTimeout time.Duration

	// CacheSize is how many bytes of pages are kept in memory. Default, and the least: 2 MiB.
	CacheSize int64
}

const defaultTimeout = 10 * time.Second

// FS is a store's file system. One that lost its lock, or whose database was deleted, serves
// no call any more but Close.
type FS struct {
	name    string
	db      *database
	pages   pageStore
	cache   *pageCache
	lockWeb func(store string) (io.Closer, error)
	freeing time.Duration // see freeingTime
	reclaim sync.Mutex    // held by who makes the browser give space back

	mu       sync.Mutex
	held     *storeLock // that Open took, for the first who calls Lock
	err      error      // why no call is served any more
	epoch    int64      // of this owner; 0 before it took the lock
	made     bool       // the database notes that the directory has a root
	doubtful bool       // whether it does, since writing that failed
	nextID   int64
	names    map[string]*file
	files    map[int64]*file // by id; also those that are removed but not yet deleted
	commit   committer
	headroom headroom
	sweep    sweep
	tidying  bool        // or about to
	upkeep   *time.Timer // until the headroom and the sweep are due; nil when they are or were
	oldLog   bool        // a new log of the browser's is due with them
	stats    Metrics
}

// Open opens the file system of a store, and makes it if it is missing.
func Open(name string, o Options) (*FS, error) {
	if o.OpenTimeout == 0 {
		o.OpenTimeout = defaultTimeout
	}
	fs, err := open(name, o)
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", name, err)
	}
	return fs, nil
}

func open(name string, o Options) (*FS, error) {
	var lock <-chan lockOutcome
	if o.Lock {
		lock = beginWebLock(name)
	}
	db, err := openDatabase(name, o)
	if err != nil {
		if o.Lock {
			err = errors.Join(err, (<-lock).release())
		}
		return nil, err
	}
	fs := &FS{
		name:    name,
		db:      db,
		freeing: freeingTime,
		names:   make(map[string]*file),
		files:   make(map[int64]*file),
	}
	fs.pages = newPageStore(db)
	fs.cache = newPageCache(fs, o.CacheSize)
	if o.Lock {
		fs.lockWeb = func(store string) (io.Closer, error) {
			if early := <-lock; early.err == nil {
				return early.lock, nil
			}
			return takeWebLock(store) // a page that was left may have let go of it meanwhile
		}
		fs.held, err = fs.lock()
	} else {
		err = fs.readDirectory()
	}
	if err != nil {
		db.close()
		return nil, err
	}
	fs.lockWeb = func(store string) (io.Closer, error) { return takeWebLock(store) }
	return fs, nil
}

func (fs *FS) readDirectory() error {
	l, err := fs.db.readDirectory()
	if err != nil {
		return fmt.Errorf("read directory: %w", err)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.merge(l)
	return nil
}

// merge brings the directory in memory up to that of the database. Files of which this FS
// knows more than the database are left as they are.
func (fs *FS) merge(l *listing) {
	for id, f := range fs.files {
		if _, found := l.entries[id]; !found && f.stored && !f.dirty && !f.inUse() {
			fs.forget(f)
		}
	}
	for id, e := range l.entries {
		f := fs.files[id]
		if f != nil && (f.dirty || f.writing) {
			continue
		}
		if f == nil {
			f = &file{id: id, stored: true}
			fs.files[id] = f
		} else if fs.names[f.name] == f {
			delete(fs.names, f.name)
		}
		f.load(e)
		if f.name != "" {
			fs.names[f.name] = f
		}
	}
	fs.nextID = max(fs.nextID, l.lastID+1)
	fs.headroom.pieces = l.pieces
	fs.made = l.made
}

// forget drops a file that the database no longer has.
func (fs *FS) forget(f *file) {
	fs.cache.forget(f)
	delete(fs.files, f.id)
	if fs.names[f.name] == f {
		delete(fs.names, f.name)
	}
}

// lookup returns the file of that name, or an error for the operation.
func (fs *FS) lookup(op, name string) (*file, error) {
	if err := vfs.CheckName(name); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if fs.err != nil {
		return nil, fmt.Errorf("%s %s: %w", op, name, fs.err)
	}
	f := fs.names[name]
	if f == nil {
		return nil, fmt.Errorf("%s %s: %w", op, name, vfs.ErrNotFound)
	}
	return f, nil
}

// Create implements vfs.FS.
func (fs *FS) Create(name string) (vfs.Writer, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	old, err := fs.lookup("create", name)
	if err != nil && !errors.Is(err, vfs.ErrNotFound) {
		return nil, err
	}
	if old != nil {
		fs.unlink(old)
	}
	f := &file{id: fs.nextID, name: name, paged: true, writing: true}
	fs.nextID++
	fs.names[name] = f
	fs.files[f.id] = f
	fs.markDirty(f)
	return &writer{fs: fs, file: f}, nil
}

// Remove implements vfs.FS.
func (fs *FS) Remove(name string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, err := fs.lookup("remove", name)
	if err != nil {
		return err
	}
	fs.unlink(f)
	fs.wake()
	return nil
}

// unlink takes a file's name. Its records are deleted when nobody uses them.
func (fs *FS) unlink(f *file) {
	delete(fs.names, f.name)
	f.name = ""
	fs.markDirty(f)
	fs.dropIfUnused(f)
}

func (fs *FS) dropIfUnused(f *file) {
	if f.name == "" && !f.inUse() && !f.dropping {
		f.dropping = true
		fs.commit.drops = append(fs.commit.drops, f)
		fs.discardQueued(f)
	}
}

// Rename implements vfs.FS.
func (fs *FS) Rename(from, to string) error {
	b, err := fs.rename(from, to)
	if err != nil {
		return err
	}
	<-b.done
	if b.err != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, b.err)
	}
	return nil
}

// rename changes the names in memory and returns the batch that commits the change, or
// takes it back.
func (fs *FS) rename(from, to string) (*batch, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, err := fs.lookup("rename", from)
	if err != nil {
		return nil, err
	}
	if err := vfs.CheckName(to); err != nil {
		return nil, fmt.Errorf("rename %s: %w", from, err)
	}
	if f.writing {
		return nil, fmt.Errorf("rename %s: it is open for writing: %w", from, vfs.ErrIO)
	}
	replaced := fs.names[to]
	if replaced == f {
		return fs.join(vfs.Strict), nil
	}
	delete(fs.names, from)
	if replaced != nil {
		replaced.users++ // so that it stays until the rename is certain
		fs.unlink(replaced)
	}
	fs.names[to] = f
	f.name = to
	fs.markDirty(f)
	b := fs.join(vfs.Strict)
	b.after = append(b.after, func(err error) {
		if err != nil {
			fs.undoRename(f, from, to, replaced)
		}
		if replaced != nil {
			fs.release(replaced)
		}
	})
	return b, nil
}

// undoRename restores the names, as far as they were not taken by others meanwhile.
func (fs *FS) undoRename(f *file, from, to string, replaced *file) {
	if fs.names[to] != f {
		return
	}
	delete(fs.names, to)
	f.name = ""
	if replaced != nil {
		fs.names[to] = replaced
		replaced.name = to
		fs.markDirty(replaced)
	}
	if fs.names[from] == nil {
		fs.names[from] = f
		f.name = from
	}
	fs.markDirty(f)
	fs.dropIfUnused(f)
}

// List implements vfs.FS.
func (fs *FS) List() ([]vfs.FileInfo, error) {
	fs.mu.Lock()
	err := fs.err
	files := make([]*file, 0, len(fs.names))
	for _, f := range fs.names {
		files = append(files, f)
	}
	fs.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	infos := make([]vfs.FileInfo, 0, len(files))
	for _, f := range files {
		// A file that an earlier owner left unsealed is as long as its records. If some are missing,
		// Open tells: a table that was never synced is no reason to list none.
		if err := fs.measure(f); err != nil && !errors.Is(err, vfs.ErrDamaged) {
			return nil, fmt.Errorf("list files: %w", err)
		}
		fs.mu.Lock()
		if f.name != "" {
			infos = append(infos, vfs.FileInfo{Name: f.name, Size: f.committed.size})
		}
		fs.mu.Unlock()
	}
	sort.Slice(infos, func(i, j int) bool { return infos[i].Name < infos[j].Name })
	return infos, nil
}

// Lock implements vfs.FS.
func (fs *FS) Lock() (io.Closer, error) {
	fs.mu.Lock()
	err, held := fs.err, fs.held
	fs.held = nil
	fs.mu.Unlock()
	switch {
	case held != nil:
		return held, nil
	case err != nil:
		return nil, fmt.Errorf("lock store %q: %w", fs.name, err)
	}
	lock, err := fs.lock()
	if err != nil {
		return nil, fmt.Errorf("lock store %q: %w", fs.name, err)
	}
	return lock, nil
}

func (fs *FS) lock() (*storeLock, error) {
	lock, err := fs.lockWeb(fs.name)
	if err != nil {
		return nil, err
	}
	if err := fs.takeOver(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &storeLock{fs: fs, web: lock}, nil
}

// storeLock is the lock of an owner.
type storeLock struct {
	fs   *FS
	web  io.Closer
	once sync.Once
}

// Close writes what is queued, since the next owner fences this one off.
func (l *storeLock) Close() (err error) {
	l.once.Do(func() { err = errors.Join(l.fs.drain(), l.web.Close()) })
	if err != nil {
		return fmt.Errorf("unlock store %q: %w", l.fs.name, err)
	}
	return nil
}

// takeOver makes this FS the owner of what is stored, and deletes what a crash left over.
func (fs *FS) takeOver() error {
	if err := fs.drain(); err != nil {
		return err
	}
	ours := func(id int64) bool {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		f := fs.files[id]
		return f != nil && f.writing
	}
	fs.db.own(0)
	l, err := fs.db.takeOver(ours, true)
	switch {
	case isRefusal(err):
		l, err = fs.takeOverFull(ours)
	case errors.As(err, new(*exception)):
		// One value that the browser can't read must not keep the others from being saved.
		l, err = fs.db.takeOver(ours, false)
	}
	if err != nil {
		return err
	}
	fs.db.own(l.epoch)
	if !l.closed {
		fs.beginNewLog()
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.epoch = l.epoch
	fs.commit.unstrict = true
	fs.merge(l)
	fs.adopt(l.whole)
	for _, f := range fs.files {
		fs.dropIfUnused(f)
	}
	if len(fs.commit.drops) > 0 {
		fs.wake()
	}
	fs.oldLog = l.closed
	fs.putOffUpkeep()
	return nil
}

// takeOverFull takes over a store that the browser does not let grow.
func (fs *FS) takeOverFull(ours func(id int64) bool) (*listing, error) {
	if err := fs.readDirectory(); err != nil {
		return nil, err
	}
	if fs.spendHeadroom(0) {
		if l, err := fs.db.takeOver(ours, false); !isRefusal(err) {
			return l, err
		}
	}
	// A full store must open, to be emptied. The lock keeps others out; what is missing is the
	// fence against one who does not know that it lost it.
	return fs.db.readDirectory()
}

// Close implements vfs.FS. Bytes of closed Writers are committed first.
func (fs *FS) Close() error {
	fs.mu.Lock()
	dead, epoch := fs.err, fs.epoch
	fs.mu.Unlock()
	if errors.Is(dead, vfs.ErrClosed) && !errors.Is(dead, errDeleted) {
		return fmt.Errorf("close store %q: %w", fs.name, dead)
	}
	err := fs.drain()
	fs.mu.Lock()
	fs.err = vfs.ErrClosed
	held := fs.held
	fs.held = nil
	fs.mu.Unlock()
	if held != nil {
		err = errors.Join(err, held.web.Close())
	}
	fs.awaitNewLog()
	if dead != nil || err != nil || !mayThrowAway() {
		epoch = 0
	}
	fs.db.settle(epoch)
	fs.pages.close()
	if err != nil && dead == nil {
		return fmt.Errorf("close store %q: %w", fs.name, err)
	}
	return nil
}
