package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/pace"
	"github.com/varvedb/varve/engine/internal/staging"
	"github.com/varvedb/varve/engine/internal/tables"
	"github.com/varvedb/varve/vfs"
)

// Open opens the store in fs, and makes a new one if there is none. It takes the lock of fs,
// and fails with vfs.ErrLocked if another has it. The DB must be closed before fs is.
func Open(fs vfs.FS, o *Options) (*DB, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	unlock, err := fs.Lock()
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	db := newDB(fs, opts)
	if err := db.recover(); err != nil {
		db.tables.Close()
		if db.manifest != nil {
			err = errors.Join(err, db.manifest.Close())
		}
		return nil, errors.Join(fmt.Errorf("open store: %w", err), unlock.Close())
	}
	db.unlock = unlock
	db.background.Add(1 + opts.Compactions)
	go db.flushLoop()
	for range opts.Compactions {
		go db.compactLoop()
	}
	wake(db.flushWork)
	wake(db.compactWork)
	db.putOffFlush()
	return db, nil
}

func newDB(fs vfs.FS, opts Options) *DB {
	db := &DB{
		fs: fs, opts: opts,
		blocks:      cache.New(opts.BlockCacheSize),
		busy:        map[base.FileNum]struct{}{},
		changed:     make(chan struct{}),
		closing:     make(chan struct{}),
		flushWork:   make(chan struct{}, 1),
		compactWork: make(chan struct{}, 1),
	}
	db.reserve, _ = fs.(reserver)
	db.tables = tables.New(fs, opts.MemoryBudget/8, db.blocks, &db.filters)
	return db
}

// recover brings the store to the state it had, and makes it ready for writes.
func (db *DB) recover() error {
	if err := staging.Clean(db.fs); err != nil {
		return err
	}
	files, err := db.listFiles()
	if err != nil {
		return err
	}
	if err := db.loadManifest(files); err != nil {
		return err
	}
	db.manifest.OnObsolete = db.removeTable
	if err := db.checkTables(files); err != nil {
		return err
	}
	db.lastSeq = db.manifest.LastSeq()
	r := &recovery{db: db, pace: pace.New(db.opts.Yield)}
	if err := r.replayLogs(files); err != nil {
		return err
	}
	if err := db.checkCounted(); err != nil {
		return err
	}
	db.visible.Store(uint64(db.lastSeq))
	db.replayed = r.last > 0
	db.logs = []*logFile{{num: db.manifest.NextFileNum()}}
	if m := db.mutableLocked(); m.Empty() {
		m.log = db.logs[0].num
	}
	if len(db.liveLogs) > maxReplayedLogs && !db.mutableLocked().Empty() {
		db.addMemtableLocked(db.logs[0].num, 0)
	}
	if r.torn != nil {
		if err := db.leaveTornLog(r.torn); err != nil {
			return err
		}
	}
	return db.removeOrphans(files)
}

// maxReplayedLogs is the number of logs from which what they hold is flushed after opening, lest a
// store that is opened often, to write a little each time, has ever more of them.
const maxReplayedLogs = 4

// maxReplayed is how many bytes of a memtable may come from logs again at each Open. What is more is
// flushed once no table was read for flushPause, and space is not short.
const (
	maxReplayed = 256 << 10
	flushPause  = time.Second
)

// putOffFlush lets what was replayed be flushed later, if it is much.
func (db *DB) putOffFlush() {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed || db.mutableLocked().Size() <= maxReplayed {
		return
	}
	before := db.tableReads()
	db.flushLater = time.AfterFunc(flushPause, func() {
		if db.tableReads() != before || db.ShortOfSpace() {
			db.putOffFlush()
			return
		}
		if db.beginBackground() == nil {
			defer db.background.Done()
			_ = db.Flush() // what fails here stays in the logs
		}
	})
}

// tableReads returns a number that grows as tables are read.
func (db *DB) tableReads() int64 {
	_, hits, misses := db.blocks.Metrics()
	return hits + misses + db.filters.Checks.Load()
}

// storeFile is a file of the store, by its parsed name.
type storeFile struct {
	kind base.FileKind
	num  base.FileNum
	vfs.FileInfo
}

// maxFileNum is the largest number that a manifest may hold. From there on, counting would
// overflow before long.
const maxFileNum = math.MaxInt64

// listFiles lists the store's files; those of others in the same directory are left out.
func (db *DB) listFiles() ([]storeFile, error) {
	infos, err := db.fs.List()
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	var files []storeFile
	for _, info := range infos {
		if kind, num, ok := base.ParseFileName(info.Name); ok && num <= maxFileNum {
			files = append(files, storeFile{kind, num, info})
		}
	}
	return files, nil
}

func (db *DB) loadManifest(files []storeFile) error {
	exists, err := manifest.Exists(db.fs)
	if err != nil {
		return err
	}
	switch {
	case exists && db.opts.ErrorIfExists:
		return ErrExists
	case exists:
		db.manifest, err = manifest.Load(db.fs)
	case db.opts.ErrorIfMissing:
		return ErrNoStore
	default:
		db.manifest, err = manifest.Create(db.fs)
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		db.manifest.MarkFileNumUsed(f.num)
	}
	return nil
}

// checkTables fails unless every table of the current version is there, with its length.
func (db *DB) checkTables(files []storeFile) error {
	sizes := map[base.FileNum]int64{}
	for _, f := range files {
		if f.kind == base.FileTable {
			sizes[f.num] = f.Size
		}
	}
	for _, level := range db.manifest.Current().Levels {
		for _, t := range level {
			size, found := sizes[t.Num]
			name := base.FileName(base.FileTable, t.Num)
			if !found {
				return base.Corruption(name, -1, "the table is missing")
			}
			if size != t.Size {
				return base.Corruption(name, -1, "the table has %d bytes, its manifest says %d", size, t.Size)
			}
		}
	}
	return nil
}

// checkCounted fails if a table is newer than all that manifest and logs tell of: a recovery that was
// interrupted put it there, out of a log that has been cut off since. Whoever wrote on would use its
// sequence numbers again. Only first and last keys are looked at here: Verify looks at all.
func (db *DB) checkCounted() error {
	for _, level := range db.manifest.Current().Levels {
		for _, t := range level {
			for _, key := range [][]byte{t.Smallest, t.Largest} {
				if seq := base.TrailerOf(key).Seq(); seq > db.lastSeq {
					return newerThanStore(t, seq, db.lastSeq)
				}
			}
		}
	}
	return nil
}

func newerThanStore(t *manifest.Table, seq, last base.Seq) error {
	return base.Corruption(base.FileName(base.FileTable, t.Num), -1,
		"it has sequence number %d, though manifest and logs end with %d: a log was cut off", seq, last)
}

// removeOrphans removes what crashes left: files that the recovered store does not use.
func (db *DB) removeOrphans(files []storeFile) error {
	live := db.liveFiles()
	for _, f := range files {
		if !db.isOrphanLocked(f, live) {
			continue
		}
		if err := db.fs.Remove(f.Name); err != nil && !errors.Is(err, vfs.ErrNotFound) {
			return fmt.Errorf("remove orphan %s: %w", f.Name, err)
		}
	}
	return nil
}

// liveFiles returns the numbers of the tables and manifests that are in use.
func (db *DB) liveFiles() map[base.FileNum]struct{} {
	db.manifestMu.Lock()
	defer db.manifestMu.Unlock()
	live := map[base.FileNum]struct{}{}
	db.manifest.AddLive(live)
	return live
}

// isOrphanLocked reports whether nothing uses f.
func (db *DB) isOrphanLocked(f storeFile, live map[base.FileNum]struct{}) bool {
	switch f.kind {
	case base.FileTable, base.FileManifest:
		_, isLive := live[f.num]
		return !isLive
	case base.FileLog:
		return !slices.Contains(db.liveLogs, f.num)
	case base.FileTemp:
		return true
	}
	return false
}

// removeTable removes a table that nothing uses any more. If that fails, the next Open finds it.
func (db *DB) removeTable(t *manifest.Table) {
	db.tables.Evict(t.Num)
	name := base.FileName(base.FileTable, t.Num)
	if err := db.fs.Remove(name); errors.Is(err, vfs.ErrNotFound) {
		_ = db.fs.Remove(base.OldTableName(t.Num))
	}
}
