package engine

import (
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
)

func TestImageKeepsItsTablesUntilItIsClosed(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	im, err := f.NewImage()
	f.must(err)
	f.must(f.DeleteRange(nil, nil, Relaxed))
	for i := range im.Len() {
		_, file, err := im.Open(i)
		f.must(err)
		f.must(file.Close())
	}
	f.must(im.Close())
	if left := f.names(base.FileTable); len(left) != 0 {
		t.Errorf("tables %v are left", left)
	}
}

func TestFilesOfACopyHaveNumbersOfTheirOwn(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	im, err := f.NewImage()
	f.must(err)
	seen := map[base.FileNum]string{}
	for _, file := range im.files {
		kind, num, _ := base.ParseFileName(file.name)
		if other, found := seen[num]; found && kind != base.FileCurrent {
			t.Errorf("%s and %s", file.name, other)
		}
		seen[num] = file.name
	}
	f.must(im.Close())
}
