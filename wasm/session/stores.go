package session

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/wasm/frame"
)

// serveStores serves what needs no open store. What follows an Open waits for it.
func (s *Session) serveStores(r *frame.Request) bool {
	id, name := r.ID, string(r.Entries[0].Key)
	switch r.Op {
	case frame.Open:
		o, err := parseOptions(r.Entries[1:])
		if err == nil && (s.db != nil || s.restoring != nil) {
			err = fmt.Errorf("%w: the session has a store already", engine.ErrInvalidArgument)
		}
		if err != nil {
			s.fail(id, err)
			return true
		}
		s.block(func() {
			if o.imports {
				s.answer(id, s.beginImport(name, o))
			} else {
				s.answer(id, s.open(name, o))
			}
		})
	case frame.Destroy:
		s.task(id, func() error { return s.host.Destroy(name) })
	case frame.List:
		s.spawn(func() { s.list(id) })
	}
	return true
}

// storageIDB is the storage of the stores that Destroy and List know.
const storageIDB = "idb"

// defaultBudget is the memory that a store in IndexedDB takes unless it is told otherwise.
const defaultBudget = 40 << 20

// openOptions is what an Open asks for.
type openOptions struct {
	imports    bool // the store is to be made of an archive
	storage    string
	durability engine.Durability
	engine     engine.Options
	cacheSize  int64 // of the file system
}

func parseOptions(entries []frame.Entry) (openOptions, error) {
	o := openOptions{storage: storageIDB, durability: engine.Relaxed}
	for _, e := range entries {
		if err := o.set(string(e.Key), string(e.Value)); err != nil {
			return o, err
		}
	}
	if o.storage == storageIDB {
		o.share()
	}
	return o, nil
}

// share shares the memory out. A fifth of it keeps pages, which hold blocks as they are stored: to
// look into one takes a tenth of the time that a request to the browser takes.
func (o *openOptions) share() {
	if o.engine.MemoryBudget == 0 {
		o.engine.MemoryBudget = defaultBudget
	}
	o.cacheSize = min(o.engine.MemoryBudget/5, max(o.engine.MemoryBudget-engine.MinMemoryBudget, 0))
	o.engine.MemoryBudget -= o.cacheSize
}

func (o *openOptions) set(name, text string) error {
	switch name {
	case "createIfMissing":
		o.engine.ErrorIfMissing = text == "false"
	case "errorIfExists":
		o.engine.ErrorIfExists = text == "true"
	case "import":
		o.imports = text == "true"
	case "storage":
		o.storage = text
	case "memoryBudget":
		budget, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: memoryBudget %q", engine.ErrInvalidArgument, text)
		}
		o.engine.MemoryBudget = budget
	case "durability":
		return o.setDurability(text)
	default:
		return fmt.Errorf("%w: unknown option %q", engine.ErrInvalidArgument, name)
	}
	return nil
}

func (o *openOptions) setDurability(text string) error {
	switch text {
	case "strict":
		o.durability = engine.Strict
	case "relaxed":
		o.durability = engine.Relaxed
	case "deferred":
		o.durability = engine.Deferred
	default:
		return fmt.Errorf("%w: durability %q", engine.ErrInvalidArgument, text)
	}
	return nil
}

func (s *Session) open(name string, o openOptions) error {
	fs, err := s.host.OpenFS(name, o.storage, o.engine.ErrorIfMissing, o.cacheSize)
	if err != nil {
		return err
	}
	o.engine.Yield = s.yield
	return s.openIn(fs, o)
}

// openIn opens the store in fs, which it closes if that fails.
func (s *Session) openIn(fs vfs.FS, o openOptions) error {
	db, err := engine.Open(fs, &o.engine)
	if err != nil {
		return errors.Join(err, fs.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fs, s.db, s.durability = fs, db, o.durability
	return nil
}

func (s *Session) list(id uint32) {
	names, err := s.host.List()
	if err != nil {
		s.answer(id, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := make([]field, len(names))
	for i, name := range names {
		texts[i].name = name
	}
	s.respondFields(id, texts)
	s.notify()
}

// close waits until all that was asked before is answered, and closes the store.
func (s *Session) close(r *frame.Request) {
	id := r.ID
	s.leavePresent()
	s.block(func() {
		s.releaseHandles()
		s.awaitIdle()
		s.answer(id, s.closeStore())
	})
}

func (s *Session) closeStore() error {
	err := errors.Join(s.db.Close(), s.fs.Close())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db, s.fs = nil, nil
	return err
}

func (s *Session) releaseHandles() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for handle, sc := range s.scans {
		s.dropScan(handle, sc)
	}
	for handle, m := range s.snapshots {
		delete(s.snapshots, handle)
		s.leave(m)
	}
}

func (s *Session) awaitIdle() {
	s.mu.Lock()
	if s.active == 0 {
		s.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	s.idle = idle
	s.mu.Unlock()
	<-idle
}
