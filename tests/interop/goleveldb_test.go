//go:build !js

package interop

import (
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/iterator"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/varvedb/varve/engine"
)

type goleveldbStore struct{ *leveldb.DB }

// withGoleveldb opens the store in dir with goleveldb, which checks all that it reads, has work
// done, and closes it.
func withGoleveldb(t *testing.T, dir string, o opt.Options, work func(goleveldbStore)) {
	t.Helper()
	o.Strict = opt.StrictAll
	db, err := leveldb.OpenFile(dir, &o)
	if err != nil {
		t.Fatal(err)
	}
	work(goleveldbStore{db})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (s goleveldbStore) apply(writes []write) error {
	var b leveldb.Batch
	for _, w := range writes {
		if w.deletion {
			b.Delete(w.key)
		} else {
			b.Put(w.key, w.value)
		}
	}
	return s.Write(&b, nil)
}

func (s goleveldbStore) forward() ([]entry, error) {
	return s.walk(iterator.Iterator.First, iterator.Iterator.Next)
}

func (s goleveldbStore) backward() ([]entry, error) {
	return s.walk(iterator.Iterator.Last, iterator.Iterator.Prev)
}

func (s goleveldbStore) walk(first, next func(iterator.Iterator) bool) (entries []entry, err error) {
	it := s.NewIterator(nil, nil)
	for more := first(it); more; more = next(it) {
		entries = append(entries, entry{string(it.Key()), string(it.Value())})
	}
	it.Release()
	return entries, it.Error()
}

func (s goleveldbStore) get(key string) (string, bool, error) {
	value, err := s.Get([]byte(key), nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return "", false, nil
	}
	return string(value), err == nil, err
}

// tables returns the number of tables at a level.
func (s goleveldbStore) tables(t *testing.T, level int) int {
	t.Helper()
	var stats leveldb.DBStats
	if err := s.Stats(&stats); err != nil {
		t.Fatal(err)
	}
	if level >= len(stats.LevelTablesCounts) {
		return 0
	}
	return stats.LevelTablesCounts[level]
}

// manyL0Files keeps tables in level 0.
func manyL0Files(o engine.Options) engine.Options {
	o.MemtableSize = 64 << 10
	o.L0CompactionFiles, o.L0StopFiles = 1000, 1000
	return o
}

// smallLevels makes few writes reach several levels.
func smallLevels(o engine.Options) engine.Options {
	o.MemtableSize, o.TableSize, o.BaseLevelSize = 64<<10, 32<<10, 128<<10
	return o
}

func TestGoleveldbReadsAndContinuesWhatVarveWrote(t *testing.T) {
	for _, c := range []struct {
		name    string
		writes  int
		options engine.Options
		finish  func(*testing.T, varveStore, *history) // checks that the store has the case's shape
	}{
		{"log only", 200, engine.Options{MemtableSize: 16 << 20}, func(t *testing.T, s varveStore, _ *history) {
			if n := s.levels(); n != 0 {
				t.Errorf("%d levels, want none", n)
			}
		}},
		{"several tables in level 0 and a log", 2000, manyL0Files(engine.Options{}), func(t *testing.T, s varveStore, _ *history) {
			if m := s.Metrics(); m.Levels[0].Files < 3 || m.MemtableBytes < 200 {
				t.Errorf("%d tables in level 0, memtable of %d bytes", m.Levels[0].Files, m.MemtableBytes)
			}
		}},
		{"several levels", 3000, smallLevels(engine.Options{}), func(t *testing.T, s varveStore, _ *history) {
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
			if n := s.levels(); n < 2 {
				t.Errorf("%d levels", n)
			}
		}},
		{"compacted", 2500, smallLevels(engine.Options{}), compactVarve},
		{"compacted, larger blocks and restart interval", 3000, smallLevels(engine.Options{BlockSize: 32 << 10, RestartInterval: 64}), compactVarve},
		{"without compression", 3000, smallLevels(engine.Options{Compression: engine.NoCompression}), compactVarve},
		{"without filter", 3000, smallLevels(engine.Options{FilterBitsPerKey: -1}), compactVarve},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, content := t.TempDir(), newHistory(t)
			withVarve(t, dir, &c.options, func(s varveStore) {
				fill(t, s, content.rng, content.draw(c.writes))
				expect(t, s, content)
				c.finish(t, s, content)
			})
			withGoleveldb(t, dir, opt.Options{Filter: filter.NewBloomFilter(10)}, func(s goleveldbStore) {
				expect(t, s, content)
				fill(t, s, content.rng, content.draw(c.writes/4))
				expect(t, s, content)
			})
			withVarve(t, dir, &c.options, func(s varveStore) { expect(t, s, content) })
		})
	}
}

// compactVarve compacts, and fails unless nothing that is deleted or overwritten is left.
func compactVarve(t *testing.T, s varveStore, c *history) {
	t.Helper()
	if err := s.Compact(nil, nil); err != nil {
		t.Fatal(err)
	}
	report, err := s.Verify()
	if err != nil || report.Entries != int64(len(c.stored)) {
		t.Errorf("%d entries in tables after compaction, %v; want %d", report.Entries, err, len(c.stored))
	}
}

func TestVarveReadsAndContinuesWhatGoleveldbWrote(t *testing.T) {
	small := opt.Options{WriteBuffer: 64 << 10, CompactionTableSize: 32 << 10, CompactionTotalSize: 128 << 10,
		CompactionL0Trigger: 1000, WriteL0SlowdownTrigger: 1000, WriteL0PauseTrigger: 1000}
	with := func(change func(*opt.Options)) opt.Options {
		o := small
		change(&o)
		return o
	}
	for _, c := range []struct {
		name    string
		writes  int
		options opt.Options
		minL0   int  // tables in level 0, at the end
		deep    bool // the first half of the writes lies in lower levels
	}{
		{"log only", 200, opt.Options{WriteBuffer: 16 << 20}, 0, false},
		{"several tables in level 0 and a log", 2000, small, 3, false},
		{"several levels and a log", 3000, small, 1, true},
		{"several levels and a log, without compression", 3000, with(func(o *opt.Options) { o.Compression = opt.NoCompression }), 1, true},
		{"several levels and a log, its filter", 3000, with(func(o *opt.Options) { o.Filter = filter.NewBloomFilter(10) }), 1, true},
		{"several levels and a log, restart interval 1", 2000, with(func(o *opt.Options) { o.BlockRestartInterval = 1 }), 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, content := t.TempDir(), newHistory(t)
			withGoleveldb(t, dir, c.options, func(s goleveldbStore) {
				fill(t, s, content.rng, content.draw(c.writes/2))
				if c.deep {
					moveDown(t, s)
				}
				fill(t, s, content.rng, content.draw(c.writes/2))
				if n := s.tables(t, 0); n < c.minL0 {
					t.Errorf("%d tables in level 0, want %d at least", n, c.minL0)
				}
			})
			options := smallLevels(engine.Options{})
			withVarve(t, dir, &options, func(s varveStore) {
				expect(t, s, content)
				fill(t, s, content.rng, content.draw(c.writes/4))
				expect(t, s, content)
			})
			withGoleveldb(t, dir, c.options, func(s goleveldbStore) { expect(t, s, content) })
			withVarve(t, dir, &options, func(s varveStore) {
				compactVarve(t, s, content)
				expect(t, s, content)
			})
			withGoleveldb(t, dir, c.options, func(s goleveldbStore) { expect(t, s, content) })
		})
	}
}

// moveDown leaves no table in level 0.
func moveDown(t *testing.T, s goleveldbStore) {
	t.Helper()
	if err := s.CompactRange(util.Range{}); err != nil {
		t.Fatal(err)
	}
	if n := s.tables(t, 0); n != 0 {
		t.Errorf("%d tables in level 0 after compaction", n)
	}
}

func TestStoresAlternateBetweenVarveAndGoleveldb(t *testing.T) {
	dir, content := t.TempDir(), newHistory(t)
	ours := smallLevels(engine.Options{})
	theirs := opt.Options{WriteBuffer: 32 << 10, CompactionTableSize: 32 << 10, CompactionTotalSize: 64 << 10, Filter: filter.NewBloomFilter(10)}
	for range 5 {
		withVarve(t, dir, &ours, func(s varveStore) {
			expect(t, s, content)
			fill(t, s, content.rng, content.draw(content.rng.IntN(1500)))
		})
		withGoleveldb(t, dir, theirs, func(s goleveldbStore) {
			expect(t, s, content)
			fill(t, s, content.rng, content.draw(content.rng.IntN(1500)))
		})
	}
	withVarve(t, dir, &ours, func(s varveStore) { expect(t, s, content) })
}

func TestGoleveldbReadsWhatVarveIngestedAndRangeDeleted(t *testing.T) {
	dir, content := t.TempDir(), newHistory(t)
	options := smallLevels(engine.Options{})
	withVarve(t, dir, &options, func(s varveStore) {
		fill(t, s, content.rng, content.draw(500))
		ingested := &history{rng: content.rng, stored: map[string]string{}}
		ingested.draw(1000)
		err := s.Ingest(func(yield func(key, value []byte) bool) {
			for _, key := range slices.Sorted(maps.Keys(ingested.stored)) {
				if !yield([]byte(key), []byte(ingested.stored[key])) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(content.stored, ingested.stored)
		content.used = append(content.used, ingested.used...)
		fill(t, s, content.rng, content.draw(500))

		const lower, upper = "key02", "key05"
		if err := s.DeleteRange([]byte(lower), []byte(upper), engine.Relaxed); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(content.stored, func(key, _ string) bool { return lower <= key && key < upper })
		fill(t, s, content.rng, content.draw(100))
		expect(t, s, content)
	})
	withGoleveldb(t, dir, opt.Options{}, func(s goleveldbStore) { expect(t, s, content) })
	withVarve(t, dir, &options, func(s varveStore) { expect(t, s, content) })
}

func TestGoleveldbReadsWhatVarveImported(t *testing.T) {
	program := filepath.Join(t.TempDir(), "varve")
	run := func(stdin, name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, output)
		}
	}
	run("", "go", "build", "-o", program, "github.com/varvedb/varve/engine/cmd/varve")

	dir, content := t.TempDir(), newHistory(t)
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	var lines strings.Builder
	for _, w := range content.draw(10_000) {
		// A line can't delete.
		content.stored[string(w.key)] = string(w.value)
		lines.WriteString(escape.Replace(string(w.key)) + "\t" + escape.Replace(string(w.value)) + "\n")
	}
	run(lines.String(), program, "import", dir, "-")
	withGoleveldb(t, dir, opt.Options{}, func(s goleveldbStore) { expect(t, s, content) })
	run("", program, "verify", dir)
	run("", program, "compact", dir)
	withGoleveldb(t, dir, opt.Options{}, func(s goleveldbStore) { expect(t, s, content) })
}
