package main

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble"
	pebblebloom "github.com/cockroachdb/pebble/bloom"
	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/iterator"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs/osfs"
)

// store is what the workloads need of an engine. Writes are not synced.
type store interface {
	put(key, value []byte) error
	del(key []byte) error
	get(key []byte) (found bool, err error)
	scan(reverse bool) (entries int, err error)
	seek(key []byte) error // to the first key from there on, with a new iterator each time
	settle() error         // waits for flushes and compactions
	close() error
}

// The same settings for all: 4 MiB memtable, 32 MiB of cache, 4 KiB blocks, Snappy, 10 bits of
// bloom filter a key.
const (
	memtableSize = 4 << 20
	cacheSize    = 32 << 20
	blockSize    = 4 << 10
	filterBits   = 10
)

var engines = map[string]func(dir string) (store, error){
	"varve": openVarve(engine.Deferred), "varve-relaxed": openVarve(engine.Relaxed),
	"goleveldb": openGoLevelDB, "pebble": openPebble,
}

// varveStore writes as durably as it is told: Deferred is what Pebble's NoSync does, and Relaxed,
// a system call for each write, what LevelDB's unsynced writes do.
type varveStore struct {
	db         *engine.DB
	durability engine.Durability
	value      []byte
}

func openVarve(d engine.Durability) func(dir string) (store, error) {
	return func(dir string) (store, error) {
		fs, err := osfs.Create(dir)
		if err != nil {
			return nil, err
		}
		db, err := engine.Open(fs, &engine.Options{
			MemoryBudget: 64 << 20, MemtableSize: memtableSize, BlockCacheSize: cacheSize,
			BlockSize: blockSize, FilterBitsPerKey: filterBits,
		})
		return &varveStore{db: db, durability: d}, err
	}
}

func (s *varveStore) put(key, value []byte) error { return s.db.Put(key, value, s.durability) }
func (s *varveStore) del(key []byte) error        { return s.db.Delete(key, s.durability) }
func (s *varveStore) settle() error               { return s.db.Compact(nil, nil) }
func (s *varveStore) close() error                { return s.db.Close() }

func (s *varveStore) get(key []byte) (found bool, err error) {
	s.value, err = s.db.Get(s.value[:0], key)
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (s *varveStore) scan(reverse bool) (entries int, err error) {
	it, err := s.db.NewIterator(engine.IterOptions{})
	if err != nil {
		return 0, err
	}
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	for valid := start(); valid; valid = step() {
		entries += min(1, len(it.Key())+len(it.Value()))
	}
	return entries, errors.Join(it.Error(), it.Close())
}

func (s *varveStore) seek(key []byte) error {
	it, err := s.db.NewIterator(engine.IterOptions{})
	if err != nil {
		return err
	}
	it.SeekGE(key)
	return errors.Join(it.Error(), it.Close())
}

type goLevelDB struct{ db *leveldb.DB }

func openGoLevelDB(dir string) (store, error) {
	db, err := leveldb.OpenFile(dir, &opt.Options{
		WriteBuffer: memtableSize, BlockCacheCapacity: cacheSize, BlockSize: blockSize,
		Filter: filter.NewBloomFilter(filterBits),
	})
	return goLevelDB{db}, err
}

func (s goLevelDB) put(key, value []byte) error { return s.db.Put(key, value, nil) }
func (s goLevelDB) del(key []byte) error        { return s.db.Delete(key, nil) }
func (s goLevelDB) settle() error               { return s.db.CompactRange(util.Range{}) }
func (s goLevelDB) close() error                { return s.db.Close() }

func (s goLevelDB) get(key []byte) (found bool, err error) {
	_, err = s.db.Get(key, nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (s goLevelDB) scan(reverse bool) (entries int, err error) {
	it := s.db.NewIterator(nil, nil)
	defer it.Release()
	start, step := iterator.Iterator.First, iterator.Iterator.Next
	if reverse {
		start, step = iterator.Iterator.Last, iterator.Iterator.Prev
	}
	for valid := start(it); valid; valid = step(it) {
		entries += min(1, len(it.Key())+len(it.Value()))
	}
	return entries, it.Error()
}

func (s goLevelDB) seek(key []byte) error {
	it := s.db.NewIterator(nil, nil)
	defer it.Release()
	it.Seek(key)
	return it.Error()
}

type pebbleStore struct{ db *pebble.DB }

func openPebble(dir string) (store, error) {
	cache := pebble.NewCache(cacheSize)
	defer cache.Unref()
	o := &pebble.Options{Cache: cache, MemTableSize: memtableSize, Logger: quiet{}}
	for range 7 {
		o.Levels = append(o.Levels, pebble.LevelOptions{
			BlockSize: blockSize, Compression: pebble.SnappyCompression,
			FilterPolicy: pebblebloom.FilterPolicy(filterBits), FilterType: pebble.TableFilter,
		})
	}
	db, err := pebble.Open(dir, o)
	return pebbleStore{db}, err
}

func (s pebbleStore) put(key, value []byte) error { return s.db.Set(key, value, pebble.NoSync) }
func (s pebbleStore) del(key []byte) error        { return s.db.Delete(key, pebble.NoSync) }
func (s pebbleStore) close() error                { return s.db.Close() }

func (s pebbleStore) settle() error {
	return s.db.Compact([]byte{0}, []byte{0xff}, false)
}

func (s pebbleStore) get(key []byte) (found bool, err error) {
	_, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, closer.Close()
}

func (s pebbleStore) scan(reverse bool) (entries int, err error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return 0, err
	}
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	for valid := start(); valid; valid = step() {
		entries += min(1, len(it.Key())+len(it.Value()))
	}
	return entries, errors.Join(it.Error(), it.Close())
}

func (s pebbleStore) seek(key []byte) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	it.SeekGE(key)
	return errors.Join(it.Error(), it.Close())
}

// quiet drops what Pebble logs, but for what ends it.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
