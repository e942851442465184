package manifest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// key makes an internal key.
func key(user string, seq base.Seq) []byte {
	return base.AppendInternalKey(nil, []byte(user), seq, base.KindPut)
}

// table makes a table of the user keys from smallest to largest.
func table(num base.FileNum, smallest, largest string) *Table {
	return &Table{Num: num, Size: int64(num) * 100, Smallest: key(smallest, 9), Largest: key(largest, 1)}
}

func add(level int, tables ...*Table) *Edit {
	e := &Edit{}
	for _, t := range tables {
		e.Added = append(e.Added, AddedTable{Level: level, Table: t})
	}
	return e
}

func (e *Edit) deleting(level int, nums ...base.FileNum) *Edit {
	for _, num := range nums {
		e.Deleted = append(e.Deleted, DeletedTable{Level: level, Num: num})
	}
	return e
}

func mustCreate(t *testing.T, fs vfs.FS) *Set {
	t.Helper()
	s, err := Create(fs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustLoad(t *testing.T, fs vfs.FS) *Set {
	t.Helper()
	s, err := Load(fs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustApply(t *testing.T, s *Set, e *Edit) {
	t.Helper()
	if err := s.Apply(e); err != nil {
		t.Fatal(err)
	}
	if err := s.Current().Check(); err != nil {
		t.Fatal(err)
	}
}

// state is all that a manifest preserves, as text.
func state(s *Set) string {
	pointers := ""
	for level := range base.NumLevels {
		if p := s.CompactPointer(level); p != nil {
			pointers += fmt.Sprintf("compact pointer level %d %s\n", level, formatKey(p))
		}
	}
	return fmt.Sprintf("log %d prev %d seq %d\n%s%v", s.LogNum(), s.PrevLogNum(), s.LastSeq(), pointers, s.Current())
}

func writeFile(t *testing.T, fs vfs.FS, name string, content []byte) {
	t.Helper()
	w, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(content)
	if err := errors.Join(err, w.Sync(vfs.Strict), w.Close()); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	r, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	content := make([]byte, r.Size())
	if n, err := r.ReadAt(content, 0); n < len(content) {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return content
}

func fileNames(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	files, err := fs.List()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

func wantCorruption(t *testing.T, err error, file string) {
	t.Helper()
	var corruption *base.CorruptionError
	if !errors.As(err, &corruption) || corruption.File != file {
		t.Fatalf("got error %v, want a CorruptionError of %s", err, file)
	}
}

// storeOf makes a store whose manifest holds the given records.
func storeOf(t *testing.T, records ...*Edit) *memfs.FS {
	t.Helper()
	fs := memfs.New()
	f, err := createFile(fs, 7, records[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range records[1:] {
		if err := f.append(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, fs, base.CurrentName, []byte("MANIFEST-000007\n"))
	return fs
}

// complete is a first record with all that must be in one.
func complete() *Edit {
	return &Edit{
		Comparer:    base.ComparerName,
		LogNum:      new(base.FileNum(3)),
		NextFileNum: new(base.FileNum(9)),
		LastSeq:     new(base.Seq(50)),
	}
}
