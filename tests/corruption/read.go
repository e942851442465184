package corruption

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

// maxAllocated bounds what opening and reading a store may allocate, whatever its files say.
const maxAllocated = 32 << 20

// findings are what reading a damaged store in every way led to.
type findings struct {
	corrupt           []*engine.CorruptionError
	opened            bool
	forward, backward scanned
	values            map[string]string // found by Get
	missing           []string          // not found by Get
}

// scanned are the entries that a scan found before it ended or failed.
type scanned struct {
	entries []entry
	failed  bool
}

type entry struct{ key, value string }

// allKeys are those that the store may have, and some that it never had.
var allKeys = func() []string {
	keys := []string{"a", "key", "key30x", "z"}
	for i := range 64 {
		keys = append(keys, fmt.Sprintf("key%02d", i))
	}
	return keys
}()

// examine opens the store in fs and reads it in every way. It fails on an error that is no
// *engine.CorruptionError.
func examine(fs vfs.FS) (*findings, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := &findings{}
	db, err := engine.Open(fs, options())
	if err != nil {
		return f, f.note("open", err)
	}
	f.opened = true
	err = errors.Join(f.read(db), db.Close())
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err == nil && n > maxAllocated {
		err = fmt.Errorf("reading allocated %d bytes", n)
	}
	return f, err
}

// note takes err for a finding, if it is damage.
func (f *findings) note(doing string, err error) error {
	if err == nil {
		return nil
	}
	var corrupt *engine.CorruptionError
	if !errors.As(err, &corrupt) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	f.corrupt = append(f.corrupt, corrupt)
	return nil
}

func (f *findings) read(db *engine.DB) (err error) {
	if f.forward, err = f.scan(db, (*engine.Iterator).First, (*engine.Iterator).Next); err != nil {
		return err
	}
	if f.backward, err = f.scan(db, (*engine.Iterator).Last, (*engine.Iterator).Prev); err != nil {
		return err
	}
	if err := f.getEach(db); err != nil {
		return err
	}
	_, err = db.Verify()
	return f.note("verify", err)
}

func (f *findings) scan(db *engine.DB, begin, move func(*engine.Iterator) bool) (s scanned, err error) {
	it, err := db.NewIterator(engine.IterOptions{})
	if err != nil {
		return s, err
	}
	for valid := begin(it); valid; valid = move(it) {
		s.entries = append(s.entries, entry{string(it.Key()), string(it.Value())})
	}
	err = it.Error()
	s.failed = err != nil
	return s, errors.Join(f.note("scan", err), it.Close())
}

func (f *findings) getEach(db *engine.DB) error {
	f.values = map[string]string{}
	for _, key := range allKeys {
		value, err := db.Get(nil, []byte(key))
		switch {
		case err == nil:
			f.values[key] = string(value)
		case errors.Is(err, engine.ErrNotFound):
			f.missing = append(f.missing, key)
		default:
			if err := f.note("get "+key, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// sound reports whether everything could be read.
func (f *findings) sound() bool { return len(f.corrupt) == 0 }

// blame fails if damage was found in another file than name.
func (f *findings) blame(name string) error {
	for _, c := range f.corrupt {
		if c.File != name {
			return fmt.Errorf("the damage of %s is said to be elsewhere: %w", name, c)
		}
	}
	return nil
}

// compare fails if a read returned anything else than want has.
func (f *findings) compare(want map[string]string) error {
	if !f.opened {
		return nil
	}
	var order []entry
	for _, key := range slices.Sorted(maps.Keys(want)) {
		order = append(order, entry{key, want[key]})
	}
	if err := f.forward.compare(order); err != nil {
		return fmt.Errorf("forward scan: %w", err)
	}
	slices.Reverse(order)
	if err := f.backward.compare(order); err != nil {
		return fmt.Errorf("backward scan: %w", err)
	}
	for key, value := range f.values {
		if wanted, found := want[key]; !found || value != wanted {
			return fmt.Errorf("get %s: %q, want %q", key, value, wanted)
		}
	}
	for _, key := range f.missing {
		if wanted, found := want[key]; found {
			return fmt.Errorf("get %s: not found, want %q", key, wanted)
		}
	}
	return nil
}

// compare fails unless the scan found all of want, or failed behind a first part of it.
func (s scanned) compare(want []entry) error {
	if s.failed && len(s.entries) <= len(want) {
		want = want[:len(s.entries)]
	}
	if len(s.entries) != len(want) {
		return fmt.Errorf("%d entries, want %d", len(s.entries), len(want))
	}
	for i, e := range s.entries {
		if e != want[i] {
			return fmt.Errorf("entry %d: %v, want %v", i, e, want[i])
		}
	}
	return nil
}
