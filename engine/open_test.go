package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// names lists the files of a kind.
func (f *fixture) names(kind base.FileKind) (names []string) {
	f.t.Helper()
	infos, err := f.medium.List()
	f.must(err)
	for _, info := range infos {
		if k, _, ok := base.ParseFileName(info.Name); ok && k == kind {
			names = append(names, info.Name)
		}
	}
	return names
}

// rewrite replaces the contents of a file of the medium, or makes one.
func (f *fixture) rewrite(name string, change func(data []byte) []byte) {
	f.t.Helper()
	var data []byte
	if r, err := f.medium.Open(name); err == nil {
		data = make([]byte, r.Size())
		_, err = r.ReadAt(data, 0)
		f.must(errors.Join(err, r.Close()))
	}
	w, err := f.medium.Create(name)
	f.must(err)
	_, err = w.Write(change(data))
	f.must(errors.Join(err, w.Sync(vfs.Strict), w.Close()))
}

func cutBy(n int) func([]byte) []byte { return func(data []byte) []byte { return data[:len(data)-n] } }

// logRecord returns a log of one record, which puts pairs like "key=value".
func (f *fixture) logRecord(first base.Seq, pairs ...string) []byte {
	f.t.Helper()
	var b Batch
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		f.must(b.Put([]byte(key), []byte(value)))
	}
	b.setSeq(first)
	var encoder record.Encoder
	return encoder.Append(nil, b.data)
}

// openFails opens the store again after it was damaged, and returns the error. The lock must
// be free afterwards.
func (f *fixture) openFails() error {
	f.t.Helper()
	db, err := Open(f.fs, &f.options)
	if err == nil {
		f.must(db.Close())
		f.t.Fatal("the store could be opened")
	}
	lock, lockErr := f.fs.Lock()
	f.must(lockErr)
	f.must(lock.Close())
	return err
}

func TestDamagedStoreIsNotOpened(t *testing.T) {
	for name, c := range map[string]struct {
		file   func(f *fixture) string // that is said to be damaged
		damage func(f *fixture)
		reason string
	}{
		"CURRENT is missing": {
			damage: func(f *fixture) { f.must(f.medium.Remove("CURRENT")) },
			file:   func(*fixture) string { return base.CurrentName },
			reason: "missing",
		},
		"the manifest is missing": {
			damage: func(f *fixture) { f.must(f.medium.Remove(f.names(base.FileManifest)[0])) },
			file:   func(*fixture) string { return base.CurrentName },
			reason: "missing",
		},
		"a table is missing": {
			damage: func(f *fixture) { f.must(f.medium.Remove(f.names(base.FileTable)[0])) },
			file:   func(f *fixture) string { return f.names(base.FileTable)[0] },
			reason: "missing",
		},
		"a table is too short": {
			damage: func(f *fixture) { f.rewrite(f.names(base.FileTable)[0], cutBy(1)) },
			file:   func(f *fixture) string { return f.names(base.FileTable)[0] },
			reason: "its manifest says",
		},
		"a table is too long": {
			damage: func(f *fixture) {
				f.rewrite(f.names(base.FileTable)[0], func(data []byte) []byte { return append(data, 0) })
			},
			file:   func(f *fixture) string { return f.names(base.FileTable)[0] },
			reason: "its manifest says",
		},
		"a log is damaged": {
			damage: func(f *fixture) {
				f.rewrite(f.names(base.FileLog)[0], func(data []byte) []byte { data[20] ^= 1; return data })
			},
			file:   func(f *fixture) string { return f.names(base.FileLog)[0] },
			reason: "checksum",
		},
		"a log counts further than a table can": {
			damage: func(f *fixture) {
				f.rewrite(f.names(base.FileLog)[0], func([]byte) []byte { return f.logRecord(base.MaxSeq, "b=1", "c=1") })
			},
			file:   func(f *fixture) string { return f.names(base.FileLog)[0] },
			reason: "out of range",
		},
		"a record has more than it counts": {
			damage: func(f *fixture) {
				f.rewrite(f.names(base.FileLog)[0], func([]byte) []byte {
					var b Batch
					f.must(errors.Join(b.Put([]byte("b"), nil), b.Put([]byte("c"), nil)))
					b.count--
					b.setSeq(8)
					return new(record.Encoder).Append(nil, b.data)
				})
			},
			file:   func(f *fixture) string { return f.names(base.FileLog)[0] },
			reason: "behind the last",
		},
		"a record has an entry of an unknown kind": {
			damage: func(f *fixture) {
				f.rewrite(f.names(base.FileLog)[0], func([]byte) []byte {
					var b Batch
					f.must(b.begin(base.KindPut+1, []byte("b"), 0))
					b.setSeq(8)
					return new(record.Encoder).Append(nil, b.data)
				})
			},
			file:   func(f *fixture) string { return f.names(base.FileLog)[0] },
			reason: "unknown kind",
		},
		"a log counts a number twice": {
			damage: func(f *fixture) {
				f.rewrite(f.names(base.FileLog)[0], func([]byte) []byte {
					return append(f.logRecord(8, "b=1", "c=1"), f.logRecord(9, "d=1")...)
				})
			},
			file:   func(f *fixture) string { return f.names(base.FileLog)[0] },
			reason: "follows",
		},
		"a log that another follows is torn": {
			damage: func(f *fixture) {
				f.rewrite(f.names(base.FileLog)[0], cutBy(1))
				f.rewrite("000900.log", func([]byte) []byte { return []byte("more") })
			},
			file:   func(f *fixture) string { return f.names(base.FileLog)[0] },
			reason: "later log",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, quietOptions())
			f.put("a=1")
			f.must(f.Flush())
			f.put("b=1")
			f.must(f.Close())
			want := c.file(f)
			c.damage(f)
			var corrupt *CorruptionError
			if err := f.openFails(); !errors.As(err, &corrupt) {
				t.Fatalf("%v", err)
			}
			if corrupt.File != want || !strings.Contains(corrupt.Reason, c.reason) {
				t.Errorf("%v, want %s in %s", corrupt, c.reason, want)
			}
		})
	}
}

func TestStoreWithATableNewerThanItselfIsNotOpened(t *testing.T) {
	for name, newer := range map[string]int{"first key": 0, "last key": 1} {
		f := newFixture(t, quietOptions())
		f.put("a=1", "b=1")
		f.must(f.Flush())
		table := []tableEntry{{"a", 1, base.KindPut, "1"}, {"b", 2, base.KindPut, "1"}}
		table[newer].seq = 50
		f.layOut(table)
		f.must(f.Close())
		var corrupt *CorruptionError
		if err := f.openFails(); !errors.As(err, &corrupt) || !strings.Contains(corrupt.Reason, "number 50") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyReadsWhatStandsInPlaceOfOpenTables(t *testing.T) {
	for name, damage := range map[string]func(f *fixture, table string){
		"removed": func(f *fixture, table string) { f.must(f.medium.Remove(table)) },
		"cut off": func(f *fixture, table string) { f.rewrite(table, cutBy(1)) },
		"emptied": func(f *fixture, table string) { f.rewrite(table, func([]byte) []byte { return nil }) },
		"overwritten": func(f *fixture, table string) {
			f.rewrite(table, func(data []byte) []byte { data[4] ^= 1; return data })
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, quietOptions())
			f.put("a=1")
			f.must(f.Flush())
			f.holds(f, "a=1")
			table := f.names(base.FileTable)[0]
			damage(f, table)
			_, err := f.Verify()
			var corrupt *CorruptionError
			if !errors.As(err, &corrupt) || corrupt.File != table {
				t.Errorf("Verify: %v, want damage in %s", err, table)
			}
			f.must(f.Close())
		})
	}
}

// tornStore returns a store, closed, whose log ends within the record of the third put.
func tornStore(t *testing.T) *fixture {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=1", "c=1")
	f.must(f.Close())
	f.rewrite(f.names(base.FileLog)[0], cutBy(1))
	return f
}

func TestTornLastLogIsTrimmed(t *testing.T) {
	f := tornStore(t)
	f.open()
	f.holds(f, "a=1 b=1")
	f.put("d=1")
	f.reopen()
	f.holds(f, "a=1 b=1 d=1")
}

// The file of the next log is there before its first bytes are.
func TestTornLogBeforeAnEmptyOneIsTrimmed(t *testing.T) {
	f := tornStore(t)
	f.rewrite("000900.log", func([]byte) []byte { return nil })
	f.open()
	f.holds(f, "a=1 b=1")
}

// The removal of what says that a store is being put in place may come undone.
func TestStagedFileBesideACurrentDoesNotClearTheStore(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	f.put("b=1")
	f.must(f.Close())
	f.rewrite(base.StagedName, func([]byte) []byte { return nil })
	f.open()
	f.holds(f, "a=1 b=1")
}

func TestTornLastLogOnAFullDiskIsRead(t *testing.T) {
	for name, needsSpace := range map[string]func(faultfs.Op) bool{
		"no table":    onKind(base.FileTable, faultfs.Create),
		"no manifest": onKind(base.FileManifest, faultfs.Create, faultfs.Write),
	} {
		t.Run(name, func(t *testing.T) {
			f := tornStore(t)
			f.fs.SetRule(failing(needsSpace, 0))
			f.open()
			f.holds(f, "a=1 b=1")
			expect(t, "Put", f.Put([]byte("d"), []byte("1"), Deferred), vfs.ErrNoSpace)
			expect(t, "Flush", f.Flush(), vfs.ErrNoSpace)
			_, err := f.Verify()
			f.must(err)
			f.holds(f, "a=1 b=1")
			f.reopen()
			f.holds(f, "a=1 b=1")
			f.fs.SetRule(nil)
			f.must(f.Put([]byte("d"), []byte("1"), Strict))
			f.crash()
			f.holds(f, "a=1 b=1 d=1")
		})
	}
}

// A file system may have made the log longer before it wrote what was to be there.
func TestLastLogThatEndsInZerosIsTrimmed(t *testing.T) {
	for _, zeros := range []int{512, 4096, 8192, 3 * 4096} {
		for _, behind := range []int{0, 50_000} {
			t.Run(fmt.Sprintf("from %d on, %d behind the records", zeros, behind), func(t *testing.T) {
				f := newFixture(t, quietOptions())
				f.put("a=1", "b="+strings.Repeat("2", 15_000))
				f.must(f.Close())
				f.rewrite(f.names(base.FileLog)[0], func(data []byte) []byte {
					clear(data[zeros:])
					return append(data, make([]byte, behind)...)
				})
				f.open()
				f.holds(f, "a=1")
				f.put("d=1")
				f.reopen()
				f.holds(f, "a=1 d=1")
			})
		}
	}
}

func TestErrorIfMissingAndErrorIfExists(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Close())
	exists := f.options
	exists.ErrorIfExists = true
	_, err := Open(f.fs, &exists)
	expect(t, "ErrorIfExists of a store that exists", err, ErrExists)

	empty := memfs.New()
	_, err = Open(empty, &Options{ErrorIfMissing: true})
	expect(t, "ErrorIfMissing of a store that is missing", err, ErrNoStore)
	if infos, err := empty.List(); err != nil || len(infos) != 0 {
		t.Errorf("it made %v, %v", infos, err)
	}
	db, err := Open(empty, &Options{ErrorIfExists: true})
	f.must(err)
	f.must(db.Close())
	db, err = Open(empty, &Options{ErrorIfMissing: true})
	f.must(err)
	f.must(db.Close())
}

func TestLockedStoreIsNotOpened(t *testing.T) {
	f := newFixture(t, quietOptions())
	_, err := Open(f.fs, nil)
	expect(t, "a second Open", err, vfs.ErrLocked)
	f.reopen()
}

func TestOrphansAreRemovedByOpen(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	f.put("b=1")
	f.must(f.Close())
	orphans := []string{"000001.log", "000777.ldb", "000778.sst", "MANIFEST-000779", "000780.dbtmp"}
	others := []string{"LOG", "notes.txt", "000abc.ldb"}
	for _, name := range append(orphans, others...) {
		f.rewrite(name, func([]byte) []byte { return []byte("x") })
	}
	f.open()
	f.holds(f, "a=1 b=1")
	infos, err := f.medium.List()
	f.must(err)
	var left []string
	for _, info := range infos {
		left = append(left, info.Name)
	}
	for _, name := range orphans {
		if slices.Contains(left, name) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range others {
		if !slices.Contains(left, name) {
			t.Errorf("%s, which is no file of the store, is gone", name)
		}
	}
	f.put("c=1")
	f.must(f.Compact(nil, nil))
	f.holds(f, "a=1 b=1 c=1")
}

func TestTableUnderItsOldNameIsRead(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	f.must(f.Close())
	table := f.names(base.FileTable)[0]
	f.must(f.medium.Rename(table, strings.TrimSuffix(table, "ldb")+"sst"))
	f.open()
	f.holds(f, "a=1")
	f.put("a=2")
	f.must(f.Compact(nil, nil))
	f.holds(f, "a=2")
	if tables := f.names(base.FileTable); len(tables) != 1 {
		t.Errorf("tables %v", tables)
	}
}

func TestCreationThatWasCutShortIsRepeated(t *testing.T) {
	for n := range 20 {
		medium := memfs.New()
		fs := faultfs.New(medium, faultfs.From(n, faultfs.Fault{Err: errInjected}))
		db, err := Open(fs, &Options{ErrorIfExists: true})
		if err == nil {
			if err := db.Close(); !errors.Is(err, errInjected) && err != nil {
				t.Fatal(err)
			}
			return
		}
		expect(t, "Open", err, errInjected)
		db, err = Open(medium.Crash(memfs.Keep{}), nil)
		if err != nil {
			t.Fatalf("after a creation that failed at operation %d: %v", n, err)
		}
		if err := errors.Join(db.Check(), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("the creation takes more than 20 operations")
}

func TestRecoveryOfManyMemtablesKeepsTheNewest(t *testing.T) {
	o := quietOptions()
	f := newFixture(t, o)
	for round := range 5 {
		for i := range 100 {
			f.must(f.Put(numberedKey(i), noise(round, 100), Deferred))
		}
	}
	f.must(f.Close())
	// Smaller memtables: one log fills several of them.
	f.options.MemtableSize = 32 << 10
	g := f.hold(onKind(base.FileTable, faultfs.Create))
	f.open()
	if n := f.Metrics().Memtables; n < 2 {
		t.Errorf("%d memtables", n)
	}
	g.open()
	for i := range 100 {
		if got, err := f.Get(nil, numberedKey(i)); err != nil || string(got) != string(noise(4, 100)) {
			t.Fatalf("%s: %v", numberedKey(i), err)
		}
	}
	f.must(f.Flush())
}
