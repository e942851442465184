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
	"github.com/varvedb/varve/tests/bench/dbbench"
	"github.com/varvedb/varve/vfs/osfs"
)

// store is an engine's store.
type store interface {
	dbbench.Store
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

type varveStore struct{ dbbench.Varve }

func (s varveStore) close() error { return s.DB.Close() }

// openVarve makes stores that write as durably as it is told: Deferred is what Pebble's NoSync
// does, and Relaxed, a system call for each write, what LevelDB's unsynced writes do.
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
		return varveStore{dbbench.Varve{DB: db, Durability: d}}, err
	}
}

type goLevelDB struct{ db *leveldb.DB }

func openGoLevelDB(dir string) (store, error) {
	db, err := leveldb.OpenFile(dir, &opt.Options{
		WriteBuffer: memtableSize, BlockCacheCapacity: cacheSize, BlockSize: blockSize,
		Filter: filter.NewBloomFilter(filterBits),
	})
	return goLevelDB{db}, err
}

func (s goLevelDB) Put(key, value []byte) error { return s.db.Put(key, value, nil) }
func (s goLevelDB) Delete(key []byte) error     { return s.db.Delete(key, nil) }
func (s goLevelDB) Settle() error               { return s.db.CompactRange(util.Range{}) }
func (s goLevelDB) close() error                { return s.db.Close() }

func (s goLevelDB) PutSync(key, value []byte) error {
	return s.db.Put(key, value, &opt.WriteOptions{Sync: true})
}

func (s goLevelDB) PutAll(keys, values [][]byte) error {
	var b leveldb.Batch
	for i, key := range keys {
		b.Put(key, values[i])
	}
	return s.db.Write(&b, nil)
}

func (s goLevelDB) Get(_, key []byte) (value []byte, found bool, err error) {
	value, err = s.db.Get(key, nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil, false, nil
	}
	return value, err == nil, err
}

func (s goLevelDB) NewIterator() (dbbench.Iterator, error) {
	return goLevelDBIterator{s.db.NewIterator(nil, nil)}, nil
}

type goLevelDBIterator struct{ iterator.Iterator }

func (it goLevelDBIterator) SeekGE(key []byte) bool { return it.Seek(key) }

func (it goLevelDBIterator) Close() error {
	it.Release()
	return nil
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

func (s pebbleStore) Put(key, value []byte) error     { return s.db.Set(key, value, pebble.NoSync) }
func (s pebbleStore) PutSync(key, value []byte) error { return s.db.Set(key, value, pebble.Sync) }
func (s pebbleStore) Delete(key []byte) error         { return s.db.Delete(key, pebble.NoSync) }
func (s pebbleStore) close() error                    { return s.db.Close() }

func (s pebbleStore) Settle() error {
	return s.db.Compact([]byte{0}, []byte{0xff}, false)
}

func (s pebbleStore) PutAll(keys, values [][]byte) (err error) {
	b := s.db.NewBatch()
	defer func() { err = errors.Join(err, b.Close()) }()
	for i, key := range keys {
		if err := b.Set(key, values[i], nil); err != nil {
			return err
		}
	}
	return b.Commit(pebble.NoSync)
}

func (s pebbleStore) Get(dst, key []byte) (value []byte, found bool, err error) {
	shared, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return append(dst[:0], shared...), true, closer.Close()
}

func (s pebbleStore) NewIterator() (dbbench.Iterator, error) { return s.db.NewIter(nil) }

// quiet drops what Pebble logs, but for what ends it.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}
