package compact

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/merge"
	"github.com/varvedb/varve/engine/internal/pace"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/engine/internal/tables"
	"github.com/varvedb/varve/vfs"
)

// ErrCanceled ends a merge whose Canceled said so.
var ErrCanceled = errors.New("compaction canceled")

// Env is what merging needs of the store.
type Env struct {
	FS        vfs.FS
	Tables    *tables.Cache
	Writer    sstable.WriterOptions
	NewNum    func() base.FileNum
	Snapshots []base.Seq           // of the open snapshots, ascending
	Yield     func() (served bool) // called between slices of computing; may be nil
	Canceled  func() bool
}

// Result is what a merge has written.
type Result struct {
	Tables       []*manifest.Table // in the order of their keys
	BytesWritten int64
}

// Run merges the compaction's inputs into new, durable tables.
func (c *Compaction) Run(env Env) (Result, error) {
	var inputs []base.Iterator
	if c.Level == 0 {
		for _, t := range c.Inputs[0] {
			inputs = append(inputs, env.Tables.NewTableIterator(t, false))
		}
	} else {
		inputs = append(inputs, env.Tables.NewLevelIterator(c.Inputs[0], false))
	}
	if len(c.Inputs[1]) > 0 {
		inputs = append(inputs, env.Tables.NewLevelIterator(c.Inputs[1], false))
	}
	m := newMerger(env)
	m.input = merge.New(inputs...)
	// A writer counts what is not yet compressed as it is: small tables would be as many again.
	if c.Output > c.Level || c.InputBytes() > c.limits.fill() {
		m.tableSize = c.limits.TableSize
	}
	m.dropTombstone = c.absentBelow()
	m.cutBefore = c.cutAtGrandparents()
	return m.run()
}

// Flush writes the entries of a memtable into at most one new, durable table.
func Flush(env Env, memtable base.Iterator) (Result, error) {
	m := newMerger(env)
	m.input = memtable
	return m.run()
}

// absentBelow returns a function that reports whether no level below the output holds a user
// key. It is to be asked in the order of the keys.
func (c *Compaction) absentBelow() func(user []byte) bool {
	var next [base.NumLevels]int
	return func(user []byte) bool {
		for level := c.Output + 1; level < base.NumLevels; level++ {
			below := c.Version.Levels[level]
			for next[level] < len(below) && bytes.Compare(user, base.UserKey(below[next[level]].Largest)) > 0 {
				next[level]++
			}
			if i := next[level]; i < len(below) && bytes.Compare(user, base.UserKey(below[i].Smallest)) >= 0 {
				return false
			}
		}
		return true
	}
}

// cutAtGrandparents returns a function that reports whether the output table should end before
// a key because it overlaps enough of the grandparents already.
func (c *Compaction) cutAtGrandparents() func(key []byte, first bool) bool {
	next, overlapped := 0, int64(0)
	return func(key []byte, first bool) bool {
		for next < len(c.grandparents) && base.Compare(key, c.grandparents[next].Largest) > 0 {
			if !first {
				overlapped += c.grandparents[next].Size
			}
			next++
		}
		if overlapped <= c.limits.grandparentLimit() {
			return false
		}
		overlapped = 0
		return true
	}
}

// merger copies the entries of input that are still needed into tables.
type merger struct {
	env           Env
	input         base.Iterator
	tableSize     int64                             // 0: no limit
	dropTombstone func(user []byte) bool            // nil: never
	without       func(user []byte) bool            // entries to be left out; nil: none
	cutBefore     func(key []byte, first bool) bool // nil: never

	result Result
	output *output
	err    error

	lastUser   []byte // of the entry before
	lastStripe int    // of the entry before, if haveLast
	haveLast   bool

	pace  *pace.Pacer
	bytes int // seen since Canceled was asked
}

// askEvery is the number of bytes after which a merge asks whether to go on. An entry takes the time of
// entryCost bytes besides.
const (
	askEvery  = 16 << 10
	entryCost = 128
)

func newMerger(env Env) *merger { return &merger{env: env, pace: pace.New(env.Yield)} }

// output is the table being written.
type output struct {
	num    base.FileNum
	name   string
	file   vfs.Writer
	writer *sstable.Writer

	shadowed int64
}

func (m *merger) run() (Result, error) {
	for valid := m.input.First(); valid && m.err == nil; valid = m.input.Next() {
		key, value := m.input.Key(), m.input.Value()
		if m.err = m.add(key, value); m.err == nil {
			m.err = m.pause(len(key) + len(value))
		}
	}
	if m.err == nil {
		m.err = m.input.Error()
	}
	if err := m.input.Close(); m.err == nil {
		m.err = err
	}
	return m.finish()
}

// finish completes the last table, or removes all if something failed.
func (m *merger) finish() (Result, error) {
	if m.err == nil {
		m.err = m.finishOutput()
	}
	if m.err != nil {
		return Result{}, errors.Join(m.err, m.abandon())
	}
	return m.result, nil
}

// pause lets others run, and now and then asks whether to go on.
func (m *merger) pause(bytes int) error {
	m.pace.Did(1)
	if m.bytes += entryCost + bytes; m.bytes < askEvery {
		return nil
	}
	m.bytes = 0
	if m.env.Canceled != nil && m.env.Canceled() {
		return ErrCanceled
	}
	return nil
}

func (m *merger) add(key, value []byte) error {
	user := base.UserKey(key)
	if m.without != nil && m.without(user) {
		return nil
	}
	sameKey := m.haveLast && bytes.Equal(user, m.lastUser)
	stripe, _ := slices.BinarySearch(m.env.Snapshots, base.TrailerOf(key).Seq())
	if sameKey && stripe == m.lastStripe {
		return nil
	}
	m.lastUser = append(m.lastUser[:0], user...)
	m.lastStripe, m.haveLast = stripe, true
	if stripe == 0 && m.dropTombstone != nil && base.TrailerOf(key).Kind() == base.KindDelete && m.dropTombstone(user) {
		return nil
	}
	return m.write(key, value, sameKey)
}

func (m *merger) write(key, value []byte, sameKey bool) error {
	cut := m.cutBefore != nil && m.cutBefore(key, m.output == nil)
	if m.output != nil && !sameKey && (cut || m.tableSize > 0 && m.output.writer.EstimatedSize() >= m.tableSize) {
		if err := m.finishOutput(); err != nil {
			return err
		}
	}
	if m.output == nil {
		if err := m.beginOutput(); err != nil {
			return err
		}
	}
	if err := m.output.writer.Add(key, value); err != nil {
		return fmt.Errorf("write table %s: %w", m.output.name, err)
	}
	if sameKey {
		m.output.shadowed++
	}
	return nil
}

func (m *merger) beginOutput() error {
	num := m.env.NewNum()
	name := base.FileName(base.FileTable, num)
	file, err := m.env.FS.Create(name)
	if err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	options := m.env.Writer
	options.Pace = m.pace
	m.output = &output{num: num, name: name, file: file, writer: sstable.NewWriter(file, options)}
	return nil
}

func (m *merger) finishOutput() error {
	out := m.output
	if out == nil {
		return nil
	}
	stats, err := out.writer.Finish()
	if err == nil {
		err = out.file.Sync(vfs.Strict)
	}
	if err != nil {
		return fmt.Errorf("write table %s: %w", out.name, err)
	}
	m.output = nil
	m.result.Tables = append(m.result.Tables, &manifest.Table{
		Num: out.num, Size: stats.Size, Smallest: stats.Smallest, Largest: stats.Largest,
		Entries: stats.Entries, Tombstones: stats.Tombstones, Shadowed: out.shadowed,
	})
	m.result.BytesWritten += stats.Size
	if err := out.file.Close(); err != nil {
		return fmt.Errorf("close table %s: %w", out.name, err)
	}
	return nil
}

// abandon removes what was written so far.
func (m *merger) abandon() error {
	var errs []error
	if m.output != nil {
		_ = m.output.file.Close() // the file is removed: what its close says no longer matters
		errs = append(errs, m.env.FS.Remove(m.output.name))
	}
	for _, t := range m.result.Tables {
		errs = append(errs, m.env.FS.Remove(base.FileName(base.FileTable, t.Num)))
	}
	return errors.Join(errs...)
}

// Build writes the entries that feed writes, which must ascend, into new, durable tables.
func Build(env Env, l Limits, feed func(write func(key, value []byte) error) error) (Result, error) {
	m := newMerger(env)
	m.tableSize = l.TableSize
	m.err = feed(func(key, value []byte) error {
		if err := m.write(key, value, false); err != nil {
			return err
		}
		return m.pause(len(key) + len(value))
	})
	return m.finish()
}

// Trim writes the entries of a table but for those with user keys from lower up to, not
// including, upper into a new, durable table, or none if no entry is left.
func Trim(env Env, t *manifest.Table, lower, upper []byte) (Result, error) {
	m := newMerger(env)
	m.input = env.Tables.NewTableIterator(t, false)
	m.without = func(user []byte) bool {
		return bytes.Compare(user, lower) >= 0 && (upper == nil || bytes.Compare(user, upper) < 0)
	}
	return m.run()
}
