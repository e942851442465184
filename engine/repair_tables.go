package engine

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/compact"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/merge"
	"github.com/varvedb/varve/engine/internal/pace"
	"github.com/varvedb/varve/engine/internal/sstable"
)

// repairTable is a table that the repaired store is made of.
type repairTable struct {
	storeFile
	level    int
	named    *manifest.Table // as a whole manifest has it; else nil
	err      error           // what is wrong with the file
	newest   base.Seq        // of its entries, if it is whole
	readable *manifest.Table // the table, or what was salvaged of it; nil: nothing
}

// surveyTables looks for the tables that the manifest names, or all but those that it calls
// obsolete, and checks each.
func (r *repairer) surveyTables() error {
	files := map[base.FileNum]storeFile{}
	for _, f := range r.files {
		if _, found := files[f.num]; f.kind == base.FileTable && !found {
			files[f.num] = f
		}
	}
	if r.manifest.whole {
		for num, named := range r.manifest.live {
			if f, found := files[num]; found {
				r.tables = append(r.tables, &repairTable{storeFile: f, level: named.Level, named: named.Table})
			} else {
				r.loseTable(named.Table)
			}
		}
	} else {
		for num, f := range files {
			if !r.manifest.dead[num] {
				r.tables = append(r.tables, &repairTable{storeFile: f})
			}
		}
	}
	slices.SortFunc(r.tables, func(a, b *repairTable) int { return cmp.Compare(a.num, b.num) })
	for _, t := range r.tables {
		if err := r.surveyTable(t); err != nil {
			return err
		}
		if r.db.opts.Yield != nil {
			r.db.opts.Yield()
		}
	}
	return nil
}

// loseTable reports a table that is missing.
func (r *repairer) loseTable(t *manifest.Table) {
	const reason = "the table is missing"
	name := base.FileName(base.FileTable, t.Num)
	r.report.Problems = append(r.report.Problems, base.Corruption(name, -1, reason).Error())
	r.report.Losses = append(r.report.Losses, Loss{
		File: name, To: t.Size, Reason: reason,
		Lower: base.UserKey(t.Smallest), Upper: base.UserKey(t.Largest),
	})
}

// surveyTable reads the whole table. That the manifest has its bounds or size wrong is a problem,
// but no damage of the table.
func (r *repairer) surveyTable(t *repairTable) error {
	var whole *manifest.Table
	whole, t.err = r.checkTable(t)
	if t.err != nil {
		return r.problem(t.err)
	}
	t.readable = whole
	if n := t.named; n != nil && (n.Size != t.Size || !bytes.Equal(n.Smallest, whole.Smallest) || !bytes.Equal(n.Largest, whole.Largest)) {
		return r.problem(base.Corruption(t.Name, -1, "the manifest has it as %v, but it is %v", n, whole))
	}
	return nil
}

func (r *repairer) checkTable(t *repairTable) (whole *manifest.Table, err error) {
	table, err := r.db.tables.Acquire(t.num)
	if err != nil {
		return nil, err
	}
	defer table.Release()
	entries, newest, err := table.Verify(pace.New(r.db.opts.Yield))
	if err != nil {
		return nil, err
	}
	r.lastSeq, t.newest = max(r.lastSeq, newest), newest
	it := table.NewIterator(false)
	defer func() { err = errors.Join(err, it.Close()) }()
	whole = &manifest.Table{Num: t.num, Size: t.Size, Entries: entries}
	if !it.First() {
		return nil, errors.Join(it.Error(), base.Corruption(t.Name, -1, "the table is empty"))
	}
	whole.Smallest = bytes.Clone(it.Key())
	if !it.Last() {
		return nil, errors.Join(it.Error(), base.Corruption(t.Name, -1, "the table has no last key"))
	}
	whole.Largest = bytes.Clone(it.Key())
	return whole, nil
}

// salvageTables copies what can be read of each damaged table into one that is whole.
func (r *repairer) salvageTables() error {
	for _, t := range r.tables {
		if t.err == nil {
			continue
		}
		lost, err := r.salvageTable(t)
		if err != nil {
			return fmt.Errorf("salvage table %s: %w", t.Name, err)
		}
		r.reportLost(t, lost)
	}
	return nil
}

func (r *repairer) salvageTable(t *repairTable) (lost []sstable.Lost, err error) {
	file, err := r.fs.Open(t.Name)
	switch {
	case err != nil && base.Unreadable(err):
		return []sstable.Lost{{To: t.Size, Reason: err.Error()}}, nil
	case err != nil:
		return nil, err
	}
	result, err := compact.Build(r.env(), compact.Limits{}, func(write func(key, value []byte) error) (err error) {
		lost, err = sstable.Salvage(file, t.Name, func(key, value []byte) error {
			r.see(key)
			return write(key, value)
		})
		return err
	})
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if len(result.Tables) > 0 {
		t.readable = result.Tables[0]
	}
	return lost, nil
}

// reportLost reports what was lost of a table, with the bounds that the manifest knows.
func (r *repairer) reportLost(t *repairTable, lost []sstable.Lost) {
	for _, l := range lost {
		if l.Upper == nil && t.named != nil {
			if t.readable != nil && bytes.Equal(t.readable.Largest, t.named.Largest) {
				continue // the last entry is there: what follows it was none
			}
			l.Upper, l.To = t.named.Largest, max(l.To, t.named.Size)
		}
		if l.Lower == nil && t.named != nil {
			l.Lower = t.named.Smallest
		}
		loss := Loss{File: t.Name, From: l.From, To: l.To, Reason: l.Reason}
		if l.Lower != nil {
			loss.Lower = base.UserKey(l.Lower)
		}
		if l.Upper != nil {
			loss.Upper = base.UserKey(l.Upper)
		}
		r.report.Losses = append(r.report.Losses, loss)
		r.damaged[t.Name] = true
	}
}

// see notes the sequence number of an internal key.
func (r *repairer) see(key []byte) { r.lastSeq = max(r.lastSeq, base.TrailerOf(key).Seq()) }

func (r *repairer) env() compact.Env {
	return compact.Env{
		FS: r.fs, Tables: r.db.tables, Writer: r.db.writerOptions(),
		NewNum: r.newNum, Yield: r.db.opts.Yield,
	}
}

// tombstones says what a merge does with those that are the newest of their key.
type tombstones bool

const (
	keepTombstones tombstones = false
	dropTombstones tombstones = true
)

// merge writes the newest entry of every key in sources into new tables.
func (r *repairer) merge(sources []*manifest.Table, t tombstones) ([]*manifest.Table, error) {
	var inputs []base.Iterator
	for _, run := range sortedRuns(sources) {
		inputs = append(inputs, r.db.tables.NewLevelIterator(run, false))
	}
	it := merge.New(inputs...)
	result, err := compact.Build(r.env(), r.db.limits(), func(write func(key, value []byte) error) error {
		return r.writeNewest(it, t, write)
	})
	if err = errors.Join(err, it.Close()); err != nil {
		return nil, fmt.Errorf("merge: %w", err)
	}
	return result.Tables, nil
}

func (r *repairer) writeNewest(it base.Iterator, t tombstones, write func(key, value []byte) error) error {
	var last []byte
	first := true
	for ok := it.First(); ok; ok = it.Next() {
		key := it.Key()
		r.see(key)
		if user := base.UserKey(key); first || !bytes.Equal(last, user) {
			first, last = false, append(last[:0], user...)
			if t == dropTombstones && base.TrailerOf(key).Kind() == base.KindDelete {
				continue
			}
			if err := write(key, it.Value()); err != nil {
				return err
			}
		}
	}
	return it.Error()
}

// sortedRuns splits tables into as few runs as can be in which one lies behind the other, so
// that a merge needs no more than one open table of each.
func sortedRuns(tables []*manifest.Table) [][]*manifest.Table {
	tables = slices.Clone(tables)
	slices.SortFunc(tables, func(a, b *manifest.Table) int { return base.Compare(a.Smallest, b.Smallest) })
	var runs [][]*manifest.Table
	for _, t := range tables {
		i := slices.IndexFunc(runs, func(run []*manifest.Table) bool {
			return base.Compare(run[len(run)-1].Largest, t.Smallest) < 0
		})
		if i < 0 {
			runs = append(runs, []*manifest.Table{t})
		} else {
			runs[i] = append(runs[i], t)
		}
	}
	return runs
}

// disjoint reports whether no two tables of a level overlap.
func disjoint(added []manifest.AddedTable) bool {
	v := &manifest.Version{}
	for _, a := range added {
		v.Levels[a.Level] = append(v.Levels[a.Level], a.Table)
	}
	for _, tables := range v.Levels {
		slices.SortFunc(tables, func(a, b *manifest.Table) int { return base.Compare(a.Smallest, b.Smallest) })
	}
	return v.Check() == nil
}
