package model

import (
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

// Run carries the program out on a store in fs, which is empty, and returns what it found
// wrong, or nil.
func Run(p Program, fs vfs.FS) (err error) {
	r := &runner{fs: fs, oracle: newOracle(), snapshots: map[string]*engine.Snapshot{}, iterators: map[string]*engine.Iterator{}}
	if len(p) > 0 && p[0].Verb == "options" {
		if r.options, err = parseOptions(p[0].Args); err != nil {
			return err
		}
		p = p[1:]
	}
	if r.db, err = engine.Open(fs, &r.options); err != nil {
		return err
	}
	for i, op := range p {
		if err := r.step(op); err != nil {
			return errors.Join(fmt.Errorf("operation %d, %s: %w", i, op, err), r.close())
		}
	}
	if err := r.finish(); err != nil {
		return errors.Join(fmt.Errorf("at the end: %w", err), r.close())
	}
	return r.close()
}

type runner struct {
	fs        vfs.FS
	options   engine.Options
	db        *engine.DB
	oracle    *oracle
	snapshots map[string]*engine.Snapshot
	iterators map[string]*engine.Iterator
}

// reader is what a DB and a Snapshot have in common.
type reader interface {
	Get(dst, key []byte) ([]byte, error)
	NewIterator(o engine.IterOptions) (*engine.Iterator, error)
}

func (r *runner) step(op Op) error {
	a := op.Args
	switch op.Verb {
	case "put", "del", "batch", "clear":
		return r.write(op)
	case "ingest":
		return r.ingest(a)
	case "get":
		return r.get(r.db, r.oracle.values, a[0])
	case "tryget":
		return r.tryGet(a[0])
	case "has":
		return r.has(a[0])
	case "getmany":
		return r.getMany(a)
	case "scan":
		return r.scan(r.db, r.oracle.values, a)
	case "snapshot", "getat", "scanat", "release":
		return r.onSnapshot(op)
	case "iterator", "first", "last", "next", "prev", "seekge", "seeklt", "close":
		return r.onIterator(op)
	}
	return r.maintain(op)
}

func (r *runner) write(op Op) error {
	a := op.Args
	switch op.Verb {
	case "put":
		r.oracle.values[a[0]] = a[1]
		return r.db.Put([]byte(a[0]), []byte(a[1]), durabilities[a[2]])
	case "del":
		delete(r.oracle.values, a[0])
		return r.db.Delete([]byte(a[0]), durabilities[a[1]])
	case "clear":
		r.oracle.clear(a[0], a[1])
		return r.db.DeleteRange(bound(a[0]), bound(a[1]), engine.Relaxed)
	}
	var b engine.Batch
	for rest := a[1:]; len(rest) > 0; {
		if rest[0] == "put" {
			r.oracle.values[rest[1]] = rest[2]
			if err := b.Put([]byte(rest[1]), []byte(rest[2])); err != nil {
				return err
			}
			rest = rest[3:]
			continue
		}
		delete(r.oracle.values, rest[1])
		if err := b.Delete([]byte(rest[1])); err != nil {
			return err
		}
		rest = rest[2:]
	}
	return r.db.Apply(&b, durabilities[a[0]])
}

// ingest takes keys, each followed by its value, in ascending order.
func (r *runner) ingest(a []string) error {
	return r.db.Ingest(func(yield func(key, value []byte) bool) {
		for i := 0; i < len(a); i += 2 {
			r.oracle.values[a[i]] = a[i+1]
			if !yield([]byte(a[i]), []byte(a[i+1])) {
				return
			}
		}
	})
}

var durabilities = map[string]engine.Durability{
	"strict": engine.Strict, "relaxed": engine.Relaxed, "deferred": engine.Deferred,
}

func bound(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func (r *runner) get(from reader, values map[string]string, key string) error {
	got, err := from.Get([]byte("prefix"), []byte(key))
	return checkGet(got, err, "prefix", values, key)
}

func checkGet(got []byte, err error, prefix string, values map[string]string, key string) error {
	want, found := values[key]
	switch {
	case err != nil && !errors.Is(err, engine.ErrNotFound):
		return err
	case found != (err == nil):
		return fmt.Errorf("found: %t, want %t", err == nil, found)
	case string(got) != prefix+want:
		return fmt.Errorf("got %q, want %q", got, prefix+want)
	}
	return nil
}

func (r *runner) tryGet(key string) error {
	got, err := r.db.TryGet(nil, []byte(key))
	if errors.Is(err, engine.ErrWouldWait) {
		return nil
	}
	return checkGet(got, err, "", r.oracle.values, key)
}

func (r *runner) has(key string) error {
	got, err := r.db.Has([]byte(key))
	if _, want := r.oracle.values[key]; err == nil && got != want {
		return fmt.Errorf("has: %t, want %t", got, want)
	}
	return err
}

func (r *runner) getMany(keys []string) error {
	slices := make([][]byte, len(keys))
	for i, key := range keys {
		slices[i] = []byte(key)
	}
	var wrong error
	calls := 0
	err := r.db.GetMany(slices, func(i int, value []byte, found bool) {
		calls++
		want, wantFound := r.oracle.values[keys[i]]
		if found != wantFound || string(value) != want {
			wrong = fmt.Errorf("%q: got %q, %t, want %q, %t", keys[i], value, found, want, wantFound)
		}
	})
	if err == nil && wrong == nil && calls != len(keys) {
		wrong = fmt.Errorf("%d of %d keys visited", calls, len(keys))
	}
	return errors.Join(err, wrong)
}

// scan takes lower, upper, direction and limit.
func (r *runner) scan(from reader, values map[string]string, a []string) error {
	reverse := a[2] == "reverse"
	limit, err := strconv.Atoi(a[3])
	if err != nil {
		return err
	}
	it, err := from.NewIterator(engine.IterOptions{Lower: bound(a[0]), Upper: bound(a[1])})
	if err != nil {
		return err
	}
	start, step := it.First, it.Next
	if reverse {
		start, step = it.Last, it.Prev
	}
	want := scan(values, a[0], a[1], reverse, limit)
	n := 0
	for valid := start(); valid && n < limit; valid = step() {
		if n >= len(want) || string(it.Key()) != want[n].key || string(it.Value()) != want[n].value {
			err = fmt.Errorf("entry %d: got %q=%q, want %q of %d", n, it.Key(), it.Value(), at(want, n), len(want))
			break
		}
		n++
	}
	if err == nil && it.Error() == nil && n != len(want) {
		err = fmt.Errorf("%d entries, want %d", n, len(want))
	}
	return errors.Join(err, it.Error(), it.Close())
}

func at(pairs []pair, i int) pair {
	if i < len(pairs) {
		return pairs[i]
	}
	return pair{}
}

func (r *runner) onSnapshot(op Op) (err error) {
	name, a := op.Args[0], op.Args[1:]
	if op.Verb == "snapshot" {
		if old := r.snapshots[name]; old != nil {
			err = old.Close()
		}
		s, openErr := r.db.NewSnapshot()
		r.snapshots[name], r.oracle.snapshots[name] = s, maps.Clone(r.oracle.values)
		return errors.Join(err, openErr)
	}
	s := r.snapshots[name]
	if s == nil {
		return nil // a shrunk program may use what it no longer opens
	}
	switch op.Verb {
	case "getat":
		return r.get(s, r.oracle.snapshots[name], a[0])
	case "scanat":
		return r.scan(s, r.oracle.snapshots[name], a)
	}
	delete(r.snapshots, name)
	return s.Close()
}

func (r *runner) onIterator(op Op) error {
	name, a := op.Args[0], op.Args[1:]
	if op.Verb == "iterator" {
		if old := r.iterators[name]; old != nil {
			if err := old.Close(); err != nil {
				return err
			}
		}
		it, err := r.db.NewIterator(engine.IterOptions{Lower: bound(a[0]), Upper: bound(a[1])})
		r.iterators[name] = it
		r.oracle.iterators[name] = &oracleIterator{within(r.oracle.values, a[0], a[1]), -1}
		return err
	}
	it, want := r.iterators[name], r.oracle.iterators[name]
	if it == nil {
		return nil
	}
	if op.Verb == "close" {
		delete(r.iterators, name)
		return it.Close()
	}
	key := ""
	if len(a) > 0 {
		key = a[0]
	}
	valid := moveIterator(it, op.Verb, []byte(key))
	want.move(op.Verb, key)
	return checkIterator(it, valid, want)
}

func moveIterator(it *engine.Iterator, verb string, key []byte) bool {
	switch verb {
	case "first":
		return it.First()
	case "last":
		return it.Last()
	case "seekge":
		return it.SeekGE(key)
	case "seeklt":
		return it.SeekLT(key)
	case "next":
		return it.Next()
	}
	return it.Prev()
}

func checkIterator(it *engine.Iterator, valid bool, want *oracleIterator) error {
	p, wantValid := want.current()
	switch {
	case it.Error() != nil:
		return it.Error()
	case valid != wantValid || it.Valid() != valid:
		return fmt.Errorf("valid: %t and %t, want %t", valid, it.Valid(), wantValid)
	case valid && (string(it.Key()) != p.key || string(it.Value()) != p.value):
		return fmt.Errorf("on %q=%q, want %q=%q", it.Key(), it.Value(), p.key, p.value)
	}
	return nil
}

func (r *runner) maintain(op Op) error {
	switch op.Verb {
	case "sync":
		return r.db.Sync(engine.Strict)
	case "flush":
		return r.db.Flush()
	case "compact":
		return r.db.Compact(bound(op.Args[0]), bound(op.Args[1]))
	case "verify":
		_, err := r.db.Verify()
		return err
	case "check":
		return errors.Join(r.release(), r.db.Check())
	case "reopen":
		if err := r.close(); err != nil {
			return err
		}
		var err error
		r.db, err = engine.Open(r.fs, &r.options)
		return err
	}
	return fmt.Errorf("unknown operation")
}

// release closes every snapshot and iterator.
func (r *runner) release() error {
	var errs []error
	for name, it := range r.iterators {
		errs = append(errs, it.Close())
		delete(r.iterators, name)
	}
	for name, s := range r.snapshots {
		errs = append(errs, s.Close())
		delete(r.snapshots, name)
	}
	return errors.Join(errs...)
}

// finish compares the whole store, and its invariants.
func (r *runner) finish() error {
	all := []string{"", "", "forward", strconv.Itoa(1 << 30)}
	if err := r.scan(r.db, r.oracle.values, all); err != nil {
		return err
	}
	return errors.Join(r.release(), r.db.Check())
}

func (r *runner) close() error {
	if r.db == nil {
		return nil
	}
	err := r.release()
	db := r.db
	r.db = nil
	return errors.Join(err, db.Close())
}
