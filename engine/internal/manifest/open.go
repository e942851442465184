package manifest

import (
	"errors"
	"fmt"
	"io"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/vfs"
)

// ErrComparer means that the store's keys are in an order that varve does not know.
var ErrComparer = errors.New("varve: unknown comparator")

// Exists reports whether fs holds a store, which is to say a CURRENT. Tables or logs without
// one are a store that has lost it: a CorruptionError, lest they be taken for rubbish. Beside a
// StagedName they have never been one.
func Exists(fs vfs.FS) (bool, error) {
	files, err := fs.List()
	if err != nil {
		return false, fmt.Errorf("look for a store: %w", err)
	}
	orphan, staged := "", false
	for _, f := range files {
		staged = staged || f.Name == base.StagedName
		switch kind, _, ok := base.ParseFileName(f.Name); {
		case !ok:
		case kind == base.FileCurrent:
			return true, nil
		case kind == base.FileTable || kind == base.FileLog:
			orphan = f.Name
		}
	}
	if orphan != "" && !staged {
		return false, base.Corruption(base.CurrentName, -1, "the file is missing, though there is %s", orphan)
	}
	return false, nil
}

// Create makes a new store without tables. There must be none.
func Create(fs vfs.FS) (*Set, error) {
	s := newSet(fs)
	s.nextNum.Store(1)
	v, err := s.newVersion(newBuilder(nil))
	if err != nil {
		return nil, err
	}
	if _, err := s.writeFresh(v, counters{}); err != nil {
		return nil, fmt.Errorf("create store: %w", err)
	}
	s.install(v, counters{})
	return s, nil
}

// Load reads the manifest that CURRENT names. An edit that a crash cut off at its end was
// never acknowledged, and is left out. The first Apply begins a fresh manifest.
func Load(fs vfs.FS) (*Set, error) {
	num, err := readCurrent(fs)
	if err != nil {
		return nil, err
	}
	s := newSet(fs)
	s.manifests = []base.FileNum{num}
	s.MarkFileNumUsed(num)
	name := s.manifestName()
	file, err := fs.Open(name)
	if errors.Is(err, vfs.ErrNotFound) {
		return nil, base.Corruption(base.CurrentName, 0, "it names %s, which is missing", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	err = s.read(record.NewReader(file, file.Size(), name))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return s, nil
}

// read installs what the manifest's edits lead to.
func (s *Set) read(records *record.Reader) error {
	b := newBuilder(nil)
	var c counters
	var seen Edit // which fields there were
	for {
		start := records.Offset()
		data, err := records.Next()
		if err == io.EOF || errors.Is(err, record.ErrTorn) {
			break
		}
		if err != nil {
			return err
		}
		e, err := DecodeEdit(data)
		if err != nil {
			return base.Corruption(s.manifestName(), start, "%v", err)
		}
		if e.Comparer != "" && e.Comparer != base.ComparerName {
			return fmt.Errorf("%w: the store's is %q, varve's is %q", ErrComparer, e.Comparer, base.ComparerName)
		}
		if err := b.apply(e); err != nil {
			return base.Corruption(s.manifestName(), start, "%v", err)
		}
		s.markFileNumsUsed(e)
		c = c.after(e)
		seen.note(e)
	}
	if missing := seen.missing(); missing != "" {
		return base.Corruption(s.manifestName(), -1, "no record has a %s", missing)
	}
	v, err := s.newVersion(b)
	if err != nil {
		return base.Corruption(s.manifestName(), -1, "%v", err)
	}
	s.install(v, c)
	return nil
}

// note takes over the fields that e has and that a manifest must have.
func (seen *Edit) note(e *Edit) {
	if e.Comparer != "" {
		seen.Comparer = e.Comparer
	}
	if e.LogNum != nil {
		seen.LogNum = e.LogNum
	}
	if e.NextFileNum != nil {
		seen.NextFileNum = e.NextFileNum
	}
	if e.LastSeq != nil {
		seen.LastSeq = e.LastSeq
	}
}

// missing names a field that a manifest must have and that was not noted.
func (seen *Edit) missing() string {
	switch {
	case seen.Comparer == "":
		return "comparator"
	case seen.LogNum == nil:
		return "log number"
	case seen.NextFileNum == nil:
		return "next file number"
	case seen.LastSeq == nil:
		return "last sequence number"
	}
	return ""
}
