package corruption

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// files are the contents of a file system by name.
type files map[string][]byte

// store is a small store with every kind of file, and what was written to it.
type store struct {
	files  files
	tables map[string]string // what the tables hold
	logged []logged          // the writes that are in logs, in their order
	ever   map[string]bool   // every "key=value" that ever was
}

// logged is a write that one record of a log holds.
type logged struct {
	log     string
	end     int // of the record in the log
	entries [][2]string
	deleted string
}

// options suit the reading of a damaged store: nothing happens but what is asked for.
func options() *engine.Options {
	return &engine.Options{
		MemoryBudget: 1 << 20, MemtableSize: 32 << 10, BlockSize: 128, RestartInterval: 3, TableSize: 1 << 10,
		L0CompactionFiles: 100, L0StopFiles: 100, Compactions: 1,
	}
}

// builder makes a store.
type builder struct {
	*store
	fs   *memfs.FS
	db   *engine.DB
	rng  *rand.Rand
	want map[string]string
}

// build makes a store of tables in several levels, with and without compression and filter, a
// manifest of several records, and two logs.
func build(seed uint64) (*store, error) {
	b := &builder{
		store: &store{ever: map[string]bool{}},
		fs:    memfs.New(),
		rng:   rand.New(rand.NewPCG(seed, 0)),
		want:  map[string]string{},
	}
	plain := options()
	plain.Compression, plain.FilterBitsPerKey = engine.NoCompression, -1
	err := errors.Join(
		b.session(plain, b.fs, func() error { return errors.Join(b.write(60), b.db.Compact(nil, nil)) }),
		b.session(options(), b.fs, func() error {
			return errors.Join(b.write(15), b.db.Flush(), b.write(15), b.db.Flush())
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("build tables: %w", err)
	}
	b.tables = maps.Clone(b.want)
	// A store that can't flush goes on to a second log.
	stuck := faultfs.New(b.fs, faultfs.On(isTableCreation, faultfs.From(0, faultfs.Fault{Err: vfs.ErrNoSpace})))
	small := options()
	small.MemtableSize = 2 << 10 // four of the largest writes fit
	if err := b.session(small, stuck, b.writeLogs); err != nil {
		return nil, fmt.Errorf("build logs: %w", err)
	}
	b.files, err = contents(b.fs)
	return b.store, err
}

func isTableCreation(op faultfs.Op) bool {
	return op.Kind == faultfs.Create && strings.HasSuffix(op.Name, ".ldb")
}

func (b *builder) session(o *engine.Options, fs vfs.FS, do func() error) (err error) {
	if b.db, err = engine.Open(fs, o); err != nil {
		return err
	}
	return errors.Join(do(), b.db.Close())
}

// write makes n writes, most of which overwrite others.
func (b *builder) write(n int) error {
	for range n {
		if err := b.apply(b.random()); err != nil {
			return err
		}
	}
	return nil
}

// random returns a write of more puts than deletes: a table that is mostly tombstones would be
// compacted by itself.
func (b *builder) random() logged {
	var w logged
	for range 2 + b.rng.IntN(2) {
		key := fmt.Sprintf("key%02d", b.rng.IntN(60))
		value := strings.Repeat(fmt.Sprintf("<%x>", b.rng.Uint32()), 1+b.rng.IntN(3))
		w.entries = append(w.entries, [2]string{key, value})
	}
	w.deleted = fmt.Sprintf("key%02d", b.rng.IntN(60))
	return w
}

func (b *builder) apply(w logged) error {
	var batch engine.Batch
	var errs []error
	for _, e := range w.entries {
		errs = append(errs, batch.Put([]byte(e[0]), []byte(e[1])))
		b.ever[e[0]+"="+e[1]] = true
	}
	errs = append(errs, batch.Delete([]byte(w.deleted)))
	w.applyTo(b.want)
	return errors.Join(append(errs, b.db.Apply(&batch, engine.Strict))...)
}

func (w logged) applyTo(values map[string]string) {
	for _, e := range w.entries {
		values[e[0]] = e[1]
	}
	delete(values, w.deleted)
}

// writeLogs writes until the second log has several records.
func (b *builder) writeLogs() error {
	records := map[string]int{}
	for len(records) < 2 || records[b.logged[len(b.logged)-1].log] < 4 {
		w := b.random()
		if err := b.apply(w); err != nil {
			return err
		}
		list, err := b.fs.List()
		if err != nil {
			return err
		}
		for _, f := range list {
			if strings.HasSuffix(f.Name, ".log") {
				w.log, w.end = f.Name, int(f.Size)
			}
		}
		b.logged = append(b.logged, w)
		records[w.log]++
	}
	return nil
}

// want returns what the store holds if of each log only the records are left that end within
// length(log).
func (s *store) want(length func(log string) int) map[string]string {
	values := maps.Clone(s.tables)
	for _, w := range s.logged {
		if w.end <= length(w.log) {
			w.applyTo(values)
		}
	}
	return values
}

// whole is the length of a log that has lost nothing.
func (s *store) whole(log string) int { return len(s.files[log]) }

// lastLog returns the name of the last log.
func (s *store) lastLog() string { return s.logged[len(s.logged)-1].log }

// endsRecord reports whether a record of the log ends at length, or none has begun.
func (s *store) endsRecord(log string, length int) bool {
	return length == 0 || slices.ContainsFunc(s.logged, func(w logged) bool { return w.log == log && w.end == length })
}

// contents reads all files of fs.
func contents(fs vfs.FS) (files, error) {
	list, err := fs.List()
	if err != nil {
		return nil, err
	}
	all := files{}
	for _, f := range list {
		r, err := fs.Open(f.Name)
		if err != nil {
			return nil, err
		}
		data := make([]byte, f.Size)
		if _, err := r.ReadAt(data, 0); err != nil {
			return nil, err
		}
		all[f.Name] = data
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// with returns f with other contents of one file; nil removes it.
func (f files) with(name string, data []byte) files {
	changed := maps.Clone(f)
	if data == nil {
		delete(changed, name)
	} else {
		changed[name] = data
	}
	return changed
}

// flip returns f with one bit of a file changed.
func (f files) flip(name string, bit int) files {
	data := bytes.Clone(f[name])
	data[bit/8] ^= 1 << (bit % 8)
	return f.with(name, data)
}

// fs returns a file system with these files.
func (f files) fs() (*memfs.FS, error) {
	fs := memfs.New()
	for name, data := range f {
		w, err := fs.Create(name)
		if err != nil {
			return nil, err
		}
		_, err = w.Write(data)
		if err := errors.Join(err, w.Sync(vfs.Strict), w.Close()); err != nil {
			return nil, err
		}
	}
	return fs, nil
}
