package engine

import (
	"errors"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/vfs/memfs"
)

// describeTable makes the manifest say something else of the only table, which is in level 0. The
// store is open again then.
func (f *fixture) describeTable(change func(t *manifest.Table)) (name string) {
	f.t.Helper()
	old := f.state.Load().version.Levels[0][0]
	table := &manifest.Table{Num: old.Num, Size: old.Size, Smallest: old.Smallest, Largest: old.Largest}
	change(table)
	f.must(f.Close())
	f.editManifest(&manifest.Edit{Deleted: []manifest.DeletedTable{{Level: 0, Num: old.Num}}})
	f.editManifest(&manifest.Edit{Added: []manifest.AddedTable{{Level: 0, Table: table}}})
	f.open()
	return base.FileName(base.FileTable, old.Num)
}

func TestBoundsThatAreNotATablesOwnAreFound(t *testing.T) {
	bound := func(user string) []byte { return base.AppendInternalKey(nil, []byte(user), 1, base.KindPut) }
	for name, change := range map[string]func(t *manifest.Table){
		"smallest, too small": func(t *manifest.Table) { t.Smallest = bound("a") },
		"smallest, too large": func(t *manifest.Table) { t.Smallest = bound("c") },
		"largest, too small":  func(t *manifest.Table) { t.Largest = bound("c") },
		"largest, too large":  func(t *manifest.Table) { t.Largest = bound("e") },
	} {
		f := newFixture(t, quietOptions())
		f.put("b=1", "c=1", "d=1")
		f.must(f.Flush())
		table := f.describeTable(change)
		var corrupt *CorruptionError
		if _, err := f.Verify(); !errors.As(err, &corrupt) || corrupt.File != table {
			t.Errorf("%s: Verify: %v", name, err)
		}
		if err := f.Check(); !errors.As(err, &corrupt) || corrupt.File != table {
			t.Errorf("%s: Check: %v", name, err)
		}
		f.must(f.Close())
	}
}

// What stands in a table's place is not copied as if it were the table.
func TestTableOfAnotherLengthIsNotCopied(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"cut off": cutBy(1),
		"longer":  func(data []byte) []byte { return append(data, 0) },
	} {
		f := newFixture(t, quietOptions())
		f.put("a=1")
		f.must(f.Flush())
		table := f.names(base.FileTable)[0]
		f.rewrite(table, change)
		var corrupt *CorruptionError
		if err := f.Checkpoint(memfs.New()); !errors.As(err, &corrupt) || corrupt.File != table {
			t.Errorf("%s: Checkpoint: %v", name, err)
		}
		if _, err := f.Verify(); !errors.As(err, &corrupt) || corrupt.File != table {
			t.Errorf("%s: Verify: %v", name, err)
		}
		f.must(f.Close())
	}
}

// Only the log that is being written may end so.
func TestVerifyFindsThatAReplayedLogWasCutOff(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1", "b=1")
	f.reopen()
	log := f.names(base.FileLog)[0]
	f.rewrite(log, cutBy(1))
	var corrupt *CorruptionError
	if _, err := f.Verify(); !errors.As(err, &corrupt) || corrupt.File != log {
		t.Errorf("Verify: %v", err)
	}
	f.must(f.Close())
}
