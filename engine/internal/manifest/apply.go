package manifest

import (
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
)

// Apply makes the edit durable and its outcome the current version. Calls are serialised by
// the caller. Apply fills in the next file number and the last sequence number, and does not
// change e; it keeps the added tables.
//
// An edit that does not fit the current version is refused with a CorruptionError, and its
// tables are left alone. If the edit can't be written, the current version stays, and the
// added tables belong to the Set: it hands them to OnObsolete, at once or, if a crash might
// still find the edit written, after the next Apply that succeeds. Until then the caller must
// not remove them.
func (s *Set) Apply(e *Edit) error {
	if s.closed {
		return fmt.Errorf("apply version edit: %w", s.errClosed())
	}
	b := newBuilder(s.current)
	err := b.apply(e)
	var next *Version
	if err == nil {
		next, err = s.newVersion(b)
	}
	if err != nil {
		return base.Corruption(s.manifestName(), -1, "apply version edit: %v", err)
	}
	s.markFileNumsUsed(e)
	c := s.counters.after(e)
	doubtful, err := s.write(e, next, c)
	switch {
	case err == nil:
		s.install(next, c)
		return nil
	case doubtful:
		s.doubtful = append(s.doubtful, next)
	default:
		next.Unref()
	}
	return fmt.Errorf("apply version edit: %w", err)
}

// Settle sees to it that a crash brings back no edit that Apply failed to write. Like Apply's,
// its calls are serialised by the caller.
func (s *Set) Settle() error {
	if s.closed {
		return fmt.Errorf("settle failed version edits: %w", s.errClosed())
	}
	if len(s.doubtful) == 0 {
		return nil
	}
	if _, err := s.writeFresh(s.current, s.counters); err != nil {
		return fmt.Errorf("settle failed version edits: %w", err)
	}
	return nil
}

// Shrink begins a fresh manifest if the present one is much larger than that, or of unknown size.
// Like Apply's, its calls are serialised by the caller.
func (s *Set) Shrink() error {
	if s.closed {
		return fmt.Errorf("shrink the manifest: %w", s.errClosed())
	}
	fresh := snapshot(s.current, s.counters, base.FileNum(s.nextNum.Load())).Append(nil)
	if s.file != nil && s.file.size < growth*int64(len(fresh)) {
		return nil
	}
	if _, err := s.writeFresh(s.current, s.counters); err != nil {
		return fmt.Errorf("shrink the manifest: %w", err)
	}
	return nil
}

func (s *Set) markFileNumsUsed(e *Edit) {
	for _, num := range []*base.FileNum{e.LogNum, e.PrevLogNum} {
		if num != nil {
			s.MarkFileNumUsed(*num)
		}
	}
	for _, a := range e.Added {
		s.MarkFileNumUsed(a.Num)
	}
	if e.NextFileNum != nil && *e.NextFileNum > 0 {
		s.MarkFileNumUsed(*e.NextFileNum - 1)
	}
}

// write makes the edit durable, which leads to next and c. If it fails, doubtful tells
// whether a crash might nevertheless find the edit written.
func (s *Set) write(e *Edit, next *Version, c counters) (doubtful bool, err error) {
	if s.file == nil || s.file.full() {
		return s.writeFresh(next, c)
	}
	complete := *e
	complete.NextFileNum = new(base.FileNum(s.nextNum.Load()))
	complete.LastSeq = new(c.lastSeq)
	if err := s.file.append(&complete); err != nil {
		s.abandonFile()
		return true, err
	}
	return false, nil
}

// writeFresh begins a manifest with v and c, and makes CURRENT name it.
func (s *Set) writeFresh(v *Version, c counters) (doubtful bool, err error) {
	num := s.NextFileNum()
	f, err := createFile(s.fs, num, snapshot(v, c, base.FileNum(s.nextNum.Load())))
	if err != nil {
		s.removeManifest(num)
		return false, err
	}
	temp, err := writeCurrentTemp(s.fs, num)
	if err != nil {
		_ = f.close() // the file is removed: what its close says no longer matters
		_ = s.fs.Remove(temp)
		s.removeManifest(num)
		return false, err
	}
	if err := s.fs.Rename(temp, base.CurrentName); err != nil {
		// CURRENT may name either manifest now: neither can be appended to.
		_ = f.close()
		s.abandonFile()
		s.manifests = append(s.manifests, num)
		return true, fmt.Errorf("make %s name %s: %w", base.CurrentName, f.name, err)
	}
	s.supersede(f, num)
	return false, nil
}

// supersede goes on with f, of that number, which CURRENT names for certain, and drops what
// only the manifests before it could bring back.
func (s *Set) supersede(f *file, num base.FileNum) {
	s.abandonFile()
	for _, old := range s.manifests {
		s.removeManifest(old)
	}
	versions := s.doubtful
	s.file, s.manifests, s.doubtful = f, []base.FileNum{num}, nil
	for _, v := range versions {
		v.Unref()
	}
}

// abandonFile ends the appending to the manifest. Everything in it that counts is synced, so
// that its close can't lose anything.
func (s *Set) abandonFile() {
	if s.file != nil {
		_ = s.file.close()
		s.file = nil
	}
}

// removeManifest removes a manifest that CURRENT does not name. A manifest that stays all the
// same does no harm: it is not live, and the next opening of the store removes it.
func (s *Set) removeManifest(num base.FileNum) {
	_ = s.fs.Remove(base.FileName(base.FileManifest, num))
}

// snapshot returns the edit that leads from nothing to v and c.
func snapshot(v *Version, c counters, nextNum base.FileNum) *Edit {
	e := &Edit{
		Comparer:    base.ComparerName,
		LogNum:      &c.logNum,
		PrevLogNum:  &c.prevLogNum,
		NextFileNum: &nextNum,
		LastSeq:     &c.lastSeq,
	}
	for level, key := range c.compactPointers {
		if key != nil {
			e.CompactPointers = append(e.CompactPointers, CompactPointer{Level: level, Key: key})
		}
	}
	for level, tables := range v.Levels {
		for _, t := range tables {
			e.Added = append(e.Added, AddedTable{Level: level, Table: t})
		}
	}
	return e
}
