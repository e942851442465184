package compact

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/cache"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/engine/internal/tables"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// parseKey reads "user.seq", a put, or "user.seq-", a deletion.
func parseKey(text string) []byte {
	user, number, _ := strings.Cut(text, ".")
	number, deleted := strings.CutSuffix(number, "-")
	seq, err := strconv.ParseUint(number, 10, 56)
	if err != nil {
		panic(err)
	}
	kind := base.KindPut
	if deleted {
		kind = base.KindDelete
	}
	return base.AppendInternalKey(nil, []byte(user), base.Seq(seq), kind)
}

func formatKey(key []byte) string {
	text := fmt.Sprintf("%s.%d", base.UserKey(key), base.TrailerOf(key).Seq())
	if base.TrailerOf(key).Kind() == base.KindDelete {
		text += "-"
	}
	return text
}

// store is a set of tables that can be compacted.
type store struct {
	t       *testing.T
	fs      *faultfs.FS
	tables  *tables.Cache
	next    base.FileNum
	version *manifest.Version
	env     Env
}

func newStore(t *testing.T) *store {
	s := &store{t: t, fs: faultfs.New(memfs.New(), nil), next: 1, version: &manifest.Version{}}
	s.tables = tables.New(s.fs, 1<<20, cache.New(1<<20), &sstable.Counters{})
	s.env = Env{
		FS: s.fs, Tables: s.tables, Writer: sstable.WriterOptions{BlockSize: 64, NoCompression: true},
		NewNum: func() base.FileNum { s.next++; return s.next - 1 },
	}
	t.Cleanup(s.tables.Close)
	return s
}

const valueOf = "value of "

// add puts a table of the keys, which are in their order, into level.
func (s *store) add(level int, keys string) *manifest.Table {
	s.t.Helper()
	result, err := Build(s.env, Limits{}, func(write func(key, value []byte) error) error {
		for _, text := range strings.Fields(keys) {
			if err := write(parseKey(text), []byte(valueOf+text)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	table := result.Tables[0]
	if level == 0 {
		s.version.Levels[0] = append([]*manifest.Table{table}, s.version.Levels[0]...)
	} else {
		s.version.Levels[level] = append(s.version.Levels[level], table)
	}
	if err := s.version.Check(); err != nil {
		s.t.Fatal(err)
	}
	return table
}

// read returns the keys of tables, with a bar between two of them.
func (s *store) read(tables []*manifest.Table) string {
	s.t.Helper()
	var parts []string
	for _, table := range tables {
		it := s.tables.NewTableIterator(table, false)
		var keys []string
		for valid := it.First(); valid; valid = it.Next() {
			text := formatKey(it.Key())
			if string(it.Value()) != valueOf+text {
				s.t.Errorf("%s has the value %q", text, it.Value())
			}
			keys = append(keys, text)
		}
		if it.Error() != nil || len(keys) == 0 {
			s.t.Fatalf("table %v: %d keys, %v", table, len(keys), it.Error())
		}
		if keys[0] != formatKey(table.Smallest) || keys[len(keys)-1] != formatKey(table.Largest) {
			s.t.Errorf("bounds of %v, keys %v", table, keys)
		}
		if err := it.Close(); err != nil {
			s.t.Fatal(err)
		}
		parts = append(parts, strings.Join(keys, " "))
	}
	return strings.Join(parts, " | ")
}

// files returns how many tables there are on the medium.
func (s *store) files() int {
	s.t.Helper()
	infos, err := s.fs.List()
	if err != nil {
		s.t.Fatal(err)
	}
	return len(infos)
}

var bigLimits = Limits{TableSize: 1 << 20, BaseLevelSize: 1 << 20, L0Files: 4}

// compact merges all of level into the next one and returns the keys of the outcome.
func (s *store) compact(level int, l Limits, snapshots ...base.Seq) string {
	s.t.Helper()
	s.env.Snapshots = snapshots
	result, err := PickRange(s.version, level, nil, nil, l).Run(s.env)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.read(result.Tables)
}

func isSync(op faultfs.Op) bool { return op.Kind == faultfs.Sync && op.Durability == vfs.Strict }
