package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs"
)

// Repair makes a damaged store one that opens, with every entry that can still be read, and
// reports what was lost. A store without damage is not touched. It takes the lock of fs, and
// fails with ErrNoStore if no file of a store is there. Of o it uses the memory budget and what
// says how tables are written.
//
//  1. A key whose newest entry the damage did not touch is there with that entry's value. Where
//     entries were lost, a key may be missing, or have an older value: see RepairReport.Losses.
//  2. As long as the manifest is readable to its end, no table but those that it names is used,
//     so that nothing comes back that was deleted or overwritten. Else every table is that
//     it does not call obsolete: see RepairReport.Uncertain. That tells, too, of a log that is
//     there again though tables have what it holds.
//  3. Nothing is removed before what replaces it is durable: a crash at any point leaves a
//     directory on which Repair works again, or a repaired store.
//  4. Files of which something could not be read are kept, under a name that ends in
//     ".damaged".
//  5. Damage is what reading tells twice. If fs refuses to write, nothing changes.
//
// If nothing is uncertain, the damaged tables are replaced where they stand; else all that is
// there is merged into one level. Memory is bounded as in an open store, but for the table of
// which neither index nor footer can be read, which is held whole.
func Repair(fs vfs.FS, o *Options) (report RepairReport, err error) {
	opts, err := o.withDefaults()
	if err != nil {
		return RepairReport{}, err
	}
	unlock, err := fs.Lock()
	if err != nil {
		return RepairReport{}, fmt.Errorf("repair store: %w", err)
	}
	scratch := &scratchFS{FS: fs, temporary: map[base.FileNum]struct{}{}}
	r := &repairer{db: newDB(scratch, opts), fs: scratch}
	err = r.run()
	r.db.tables.Close()
	if err = errors.Join(err, unlock.Close()); err != nil {
		return r.report, fmt.Errorf("repair store: %w", err)
	}
	return r.report, nil
}

// repairer is the state of one Repair.
type repairer struct {
	db      *DB // not open: its options and its cache of open tables
	fs      *scratchFS
	files   []storeFile
	nextNum base.FileNum
	lastSeq base.Seq // the largest one seen

	manifest   *manifestState
	tables     []*repairTable
	logs       []*repairLog
	lastLogged base.Seq        // the last one in the logs, as far as they are in order
	damaged    map[string]bool // files with bytes that could not be read

	report RepairReport
}

func (r *repairer) run() error {
	defer r.fs.discard()
	if err := r.survey(); err != nil || len(r.report.Problems) == 0 {
		return err
	}
	if err := r.salvageTables(); err != nil {
		return err
	}
	edit, err := r.rebuild()
	if err != nil {
		return err
	}
	if err := r.install(edit); err != nil {
		return err
	}
	return r.clean(edit)
}

// survey finds out what is there and what is wrong with it.
func (r *repairer) survey() (err error) {
	if r.files, err = r.db.listFiles(); err != nil {
		return err
	}
	found := false
	for _, f := range r.files {
		r.nextNum = max(r.nextNum, f.num+1)
		switch f.kind {
		case base.FileCurrent, base.FileManifest, base.FileTable, base.FileLog:
			found = true
		}
	}
	if !found {
		return ErrNoStore
	}
	r.damaged = map[string]bool{}
	if err := r.surveyManifest(); err != nil {
		return err
	}
	if err := r.surveyTables(); err != nil {
		return err
	}
	if err := r.surveyLogs(); err != nil {
		return err
	}
	if r.logsEndEarly() {
		return r.problem(base.Corruption(r.manifest.name, -1, "tables hold more of the logs than is there"))
	}
	return nil
}

// logsEndEarly reports whether tables hold what the logs do not have any more: an interrupted
// recovery put it there, and the manifest doesn't count it.
func (r *repairer) logsEndEarly() bool {
	last := max(r.manifest.lastSeq, r.lastLogged)
	return r.manifest.whole && slices.ContainsFunc(r.tables, func(t *repairTable) bool { return t.newest > last })
}

// problem notes what is wrong, if it is damage: other errors end the repair.
func (r *repairer) problem(err error) error {
	if !base.Unreadable(err) {
		return err
	}
	r.report.Problems = append(r.report.Problems, err.Error())
	return nil
}

func (r *repairer) newNum() base.FileNum {
	num := r.nextNum
	r.nextNum++
	return num
}

// rebuild returns the edit that leads from nothing to the repaired store.
func (r *repairer) rebuild() (*manifest.Edit, error) {
	if r.manifest.whole && !r.report.Uncertain && !r.damageBehindTables() {
		if edit := r.levelsBelow0(); edit != nil {
			return edit, r.addLevel0(edit)
		}
	}
	return r.mergeAll()
}

// damageBehindTables reports whether logs have lost something, of which a part is in tables: an
// interrupted recovery put it there. Older entries of the logs must not come to lie above those.
func (r *repairer) damageBehindTables() bool {
	return r.logsEndEarly() || slices.ContainsFunc(r.logs, func(l *repairLog) bool { return l.err != nil }) &&
		slices.ContainsFunc(r.tables, func(t *repairTable) bool {
			return t.level > 0 && (t.newest > r.manifest.lastSeq || t.err != nil)
		})
}

// levelsBelow0 returns an edit with the tables below level 0, each where it was; nil if
// they turn out to overlap.
func (r *repairer) levelsBelow0() *manifest.Edit {
	edit := &manifest.Edit{LogNum: &r.manifest.logNum, PrevLogNum: &r.manifest.prevLogNum}
	for _, t := range r.tables {
		if t.readable != nil && t.level > 0 {
			edit.Added = append(edit.Added, manifest.AddedTable{Level: t.level, Table: t.readable})
		}
	}
	if !disjoint(edit.Added) {
		return nil
	}
	return edit
}

// addLevel0 adds the tables of level 0, and the logs as long as they can be replayed. Otherwise
// both are merged: level 0 goes by age, so that its tables can't be replaced one by one.
func (r *repairer) addLevel0(edit *manifest.Edit) error {
	damaged := false
	var sources []*manifest.Table
	for _, t := range r.tables {
		if t.level == 0 {
			damaged = damaged || t.err != nil
			if t.readable != nil {
				sources = append(sources, t.readable)
			}
		}
	}
	for _, l := range r.logs {
		damaged = damaged || l.err != nil
	}
	if damaged {
		spilled, err := r.spillLogs()
		if err != nil {
			return err
		}
		if sources, err = r.merge(append(sources, spilled...), keepTombstones); err != nil {
			return err
		}
		r.leaveLogs(edit)
	}
	for _, t := range sources {
		edit.Added = append(edit.Added, manifest.AddedTable{Level: 0, Table: t})
	}
	return nil
}

// mergeAll returns an edit with all that can be read in the uppermost level that has room.
func (r *repairer) mergeAll() (*manifest.Edit, error) {
	var sources []*manifest.Table
	for _, t := range r.tables {
		if t.readable != nil {
			sources = append(sources, t.readable)
		}
	}
	spilled, err := r.spillLogs()
	if err != nil {
		return nil, err
	}
	merged, err := r.merge(append(sources, spilled...), dropTombstones)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	for _, t := range merged {
		size += t.Size
	}
	level := 1
	for room := r.db.opts.BaseLevelSize; room < size && level < base.NumLevels-1; room *= 10 {
		level++
	}
	edit := &manifest.Edit{}
	for _, t := range merged {
		edit.Added = append(edit.Added, manifest.AddedTable{Level: level, Table: t})
	}
	r.leaveLogs(edit)
	return edit, nil
}

// leaveLogs makes the logs that are there obsolete.
func (r *repairer) leaveLogs(edit *manifest.Edit) {
	edit.LogNum, edit.PrevLogNum = new(r.newNum()), new(base.FileNum(0))
	r.logs = nil
}

// install makes the repaired store the one that opens.
func (r *repairer) install(edit *manifest.Edit) error {
	var published []base.FileNum
	for _, added := range edit.Added {
		isNew, err := r.fs.publish(added.Num)
		if err != nil {
			return errors.Join(err, r.removeTables(published))
		}
		if isNew {
			published = append(published, added.Num)
			r.report.Rebuilt++
			r.report.Entries += added.Entries
		} else {
			r.report.KeptEntries += added.Entries
		}
	}
	r.report.Tables = len(edit.Added)
	for _, l := range r.logs {
		if l.entries > 0 {
			r.report.Logs++
			r.report.LogEntries += l.entries
		}
	}
	edit.LastSeq = &r.manifest.lastSeq
	if len(r.logs) == 0 {
		// Recovery may have put into tables what only a log counts that is not there any more. As
		// long as there are logs the manifest must not count so far: see loggedSeq.
		edit.LastSeq = new(max(r.lastSeq, r.manifest.lastSeq))
	}
	named, err := createManifest(r.fs.FS, r.newNum(), edit)
	if err != nil && !named {
		err = errors.Join(err, r.removeTables(published))
	}
	return err
}

func (r *repairer) removeTables(nums []base.FileNum) error {
	var errs []error
	for _, num := range nums {
		errs = append(errs, r.fs.FS.Remove(base.FileName(base.FileTable, num)))
	}
	return errors.Join(errs...)
}

// clean removes the files that the repaired store does not use, and keeps those aside that
// hold what could not be read. What can't be removed now is removed when the store is opened.
func (r *repairer) clean(edit *manifest.Edit) error {
	used := map[string]bool{}
	for _, added := range edit.Added {
		used[base.FileName(base.FileTable, added.Num)] = true
		used[base.OldTableName(added.Num)] = true
	}
	for _, l := range r.logs {
		used[l.Name] = true
	}
	for _, f := range r.files {
		switch f.kind {
		case base.FileTable, base.FileLog, base.FileManifest, base.FileTemp:
		default:
			continue
		}
		if used[f.Name] {
			continue
		}
		if r.damaged[f.Name] {
			aside := f.Name + ".damaged"
			if err := r.fs.FS.Rename(f.Name, aside); err != nil {
				return fmt.Errorf("keep %s aside: %w", f.Name, err)
			}
			r.report.KeptAside = append(r.report.KeptAside, aside)
		} else if r.fs.FS.Remove(f.Name) == nil {
			r.report.Removed = append(r.report.Removed, f.Name)
		}
	}
	return nil
}
