package engine

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/vfs"
)

// manifestState is what can be read of a manifest.
type manifestState struct {
	name string

	// whole: live is all that the store consists of, but for the logs. Otherwise live is part of
	// it, as may be any table that is not dead.
	whole bool

	live map[base.FileNum]manifest.AddedTable
	dead map[base.FileNum]bool

	torn               bool // it ends within an edit, as a crash leaves it, or damage
	complete           bool // no edit is unreadable or does not fit
	edits              int
	comparer           string
	hasLogNum, hasSeq  bool
	logNum, prevLogNum base.FileNum
	nextNum            base.FileNum
	lastSeq            base.Seq
}

// surveyManifest reads the manifest, or what is the best guess at it.
func (r *repairer) surveyManifest() error {
	set, err := manifest.Load(r.fs)
	if err == nil {
		err = set.Close()
	}
	if err != nil {
		if err := r.problem(err); err != nil {
			return err
		}
	}
	if r.manifest, err = r.findManifest(); err != nil {
		return err
	}
	if err := r.doubtTornManifest(); err != nil {
		return err
	}
	r.report.Uncertain = !r.manifest.whole && r.anyFile(base.FileTable, base.FileLog)
	r.nextNum = max(r.nextNum, r.manifest.nextNum)
	return nil
}

// doubtTornManifest distrusts a manifest that ends within an edit if there are tables that it
// doesn't know, which the edits that followed may have added. What a crash leaves looks the
// same, but then those tables hold nothing that is not elsewhere.
func (r *repairer) doubtTornManifest() error {
	m := r.manifest
	if !m.torn || !m.whole {
		return nil
	}
	for _, f := range r.files {
		if f.kind == base.FileTable && m.live[f.num].Table == nil && !m.dead[f.num] {
			m.whole = false
			return r.problem(base.Corruption(m.name, -1, "it ends within an edit, and does not know %s", f.Name))
		}
	}
	return nil
}

func (r *repairer) anyFile(kinds ...base.FileKind) bool {
	return slices.ContainsFunc(r.files, func(f storeFile) bool { return slices.Contains(kinds, f.kind) })
}

// findManifest reads the manifest that CURRENT names. If that can't be told, it is the newest
// one of which anything can be read.
func (r *repairer) findManifest() (*manifestState, error) {
	current, err := r.readCurrent()
	if err != nil {
		return nil, err
	}
	var manifests []storeFile
	for _, f := range r.files {
		if f.kind == base.FileManifest {
			manifests = append(manifests, f)
		}
	}
	slices.SortFunc(manifests, func(a, b storeFile) int {
		switch {
		case a.Name == current:
			return -1
		case b.Name == current:
			return +1
		}
		return cmp.Compare(b.num, a.num)
	})
	named := current != ""
	_, currentNum, _ := base.ParseFileName(current)
	for _, f := range manifests {
		if named && f.num > currentNum {
			continue // it never was in force: a crash came before CURRENT named it
		}
		s, err := r.readManifest(f.Name)
		if err != nil {
			return nil, err
		}
		if s.edits == 0 {
			continue
		}
		if named && f.Name != current {
			// It is older than what was in force.
			s.whole = false
		}
		return s, nil
	}
	return &manifestState{}, nil
}

// readCurrent returns the name of the manifest that CURRENT names, or "" if it names none.
func (r *repairer) readCurrent() (string, error) {
	content := make([]byte, 64)
	file, err := r.fs.Open(base.CurrentName)
	if err == nil {
		var n int
		n, err = file.ReadAt(content, 0)
		content = content[:n]
		if err == io.EOF {
			err = nil
		}
		err = errors.Join(err, file.Close())
	}
	if errors.Is(err, vfs.ErrNotFound) || err != nil && base.Unreadable(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", base.CurrentName, err)
	}
	name := strings.TrimSpace(string(content))
	if kind, _, ok := base.ParseFileName(name); !ok || kind != base.FileManifest {
		return "", nil
	}
	return name, nil
}

// readManifest reads every edit that is readable, past damage.
func (r *repairer) readManifest(name string) (*manifestState, error) {
	s := &manifestState{
		name:     name,
		complete: true,
		live:     map[base.FileNum]manifest.AddedTable{},
		dead:     map[base.FileNum]bool{},
	}
	file, err := r.fs.Open(name)
	if err != nil {
		if err = r.problem(fmt.Errorf("open %s: %w", name, err)); err != nil {
			return nil, err
		}
		r.damaged[name] = true
		return s, nil
	}
	lossless := true
	records := record.Salvage{
		Record: func(_, _ int64, data []byte) error {
			e, err := manifest.DecodeEdit(data)
			if err != nil {
				lossless = false
				return nil
			}
			return s.apply(e)
		},
		Damage: func(from, to int64, _ string) { lossless = lossless && from == to },
	}
	torn, err := records.Read(file, file.Size())
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	s.torn = torn >= 0
	s.complete = s.complete && lossless
	s.whole = s.complete && s.comparer != "" && s.hasLogNum && s.hasSeq && s.nextNum > 0
	if !s.complete {
		r.damaged[name] = true
	}
	return s, nil
}

func (s *manifestState) apply(e *manifest.Edit) error {
	if e.Comparer != "" && e.Comparer != base.ComparerName {
		return fmt.Errorf("%w: the store's is %q, varve's is %q", manifest.ErrComparer, e.Comparer, base.ComparerName)
	}
	s.edits++
	if e.Comparer != "" {
		s.comparer = e.Comparer
	}
	if e.LogNum != nil {
		s.logNum, s.hasLogNum = *e.LogNum, true
	}
	if e.PrevLogNum != nil {
		s.prevLogNum = *e.PrevLogNum
	}
	if e.NextFileNum != nil {
		s.nextNum = max(s.nextNum, *e.NextFileNum)
	}
	if e.LastSeq != nil {
		s.lastSeq, s.hasSeq = max(s.lastSeq, *e.LastSeq), true
	}
	for _, d := range e.Deleted {
		if s.live[d.Num].Table == nil {
			s.complete = false
		}
		delete(s.live, d.Num)
		s.dead[d.Num] = true
	}
	for _, a := range e.Added {
		s.live[a.Num] = a
		delete(s.dead, a.Num) // a table that moves is deleted and added
	}
	return nil
}

// createManifest makes a store of the tables that edit adds, which are durable: it writes a
// manifest of that number, and makes CURRENT name it. If it fails, named says whether CURRENT
// may name it all the same; if not, what was written is removed.
func createManifest(fs vfs.FS, num base.FileNum, edit *manifest.Edit) (named bool, err error) {
	name := base.FileName(base.FileManifest, num)
	temp := base.FileName(base.FileTemp, num)
	err = writeFile(fs, name, manifestContent(num, edit))
	if err == nil {
		err = writeFile(fs, temp, []byte(name+"\n"))
	}
	if err != nil {
		// Either may not be there.
		_ = fs.Remove(temp)
		_ = fs.Remove(name)
		return false, err
	}
	if err := fs.Rename(temp, base.CurrentName); err != nil {
		return true, fmt.Errorf("make %s name %s: %w", base.CurrentName, name, err)
	}
	return true, nil
}

// manifestContent returns the manifest of that number in which edit is the only one.
func manifestContent(num base.FileNum, edit *manifest.Edit) []byte {
	complete := *edit
	complete.Comparer = base.ComparerName
	complete.NextFileNum = new(num + 1)
	var encoder record.Encoder
	return encoder.Append(nil, complete.Append(nil))
}

// writeFile makes a durable file.
func writeFile(fs vfs.FS, name string, content []byte) error {
	w, err := fs.Create(name)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	_, err = w.Write(content)
	if err == nil {
		err = w.Sync(vfs.Strict)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
