package engine

import (
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
)

// tableEntry is what a table has of one write.
type tableEntry struct {
	key   string
	seq   base.Seq
	kind  base.Kind
	value string
}

// layOut makes tables of those entries all that level 1 consists of. The tables that there are go.
func (f *fixture) layOut(tables ...[]tableEntry) {
	f.t.Helper()
	edit := &manifest.Edit{}
	for level, old := range f.state.Load().version.Levels {
		for _, t := range old {
			edit.Deleted = append(edit.Deleted, manifest.DeletedTable{Level: level, Num: t.Num})
		}
	}
	for _, entries := range tables {
		result, err := compact.Build(f.compactEnv(), compact.Limits{}, func(write func(key, value []byte) error) error {
			for _, e := range entries {
				if err := write(base.AppendInternalKey(nil, []byte(e.key), e.seq, e.kind), []byte(e.value)); err != nil {
					return err
				}
			}
			return nil
		})
		f.must(err)
		edit.Added = append(edit.Added, manifest.AddedTable{Level: 1, Table: result.Tables[0]})
	}
	f.must(f.applyEdit(edit, nil))
}

// Other programs cut a level's tables between two versions of a key, too.
func TestVersionsOfAKeyInNeighbouringTablesAreFound(t *testing.T) {
	f := newFixture(t, quietOptions())
	var moments []*Snapshot
	for _, value := range []string{"1", "2", "3", "4"} {
		f.put("b=" + value)
		s, err := f.NewSnapshot()
		f.must(err)
		moments = append(moments, s)
	}
	f.must(f.Flush())
	f.layOut(
		[]tableEntry{{"a", 1, base.KindPut, "0"}, {"b", 4, base.KindPut, "4"}},
		[]tableEntry{{"b", 3, base.KindDelete, ""}},
		[]tableEntry{{"b", 2, base.KindPut, "2"}, {"b", 1, base.KindPut, "1"}, {"c", 1, base.KindPut, "0"}},
	)
	for i, want := range []string{"a=0 b=1 c=0", "a=0 b=2 c=0", "a=0 c=0", "a=0 b=4 c=0"} {
		f.holds(moments[i], want)
		f.must(moments[i].Close())
	}
	f.must(f.Compact(nil, nil))
	f.holds(f, "a=0 b=4 c=0")
}
