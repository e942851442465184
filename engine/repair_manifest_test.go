package engine

import (
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
)

func (f *fixture) repair() RepairReport {
	f.t.Helper()
	report, err := Repair(f.medium, &f.options)
	f.must(err)
	if len(report.Problems) == 0 {
		f.t.Error("Repair found no damage")
	}
	return report
}

// A crash can bring back a manifest that has been removed.
func TestRepairTakesNoOlderManifestForTheWhole(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	f.must(f.Flush())
	f.must(f.Close())
	older := f.names(base.FileManifest)[0]
	var content []byte
	f.rewrite(older, func(data []byte) []byte { content = data; return data })
	f.open()
	f.put("b=1")
	f.must(f.Flush())
	f.must(f.Close())
	newer := f.names(base.FileManifest)[0]
	if newer == older {
		t.Fatal("there is no other manifest")
	}
	f.rewrite(older, func([]byte) []byte { return content })
	f.rewrite(newer, func(data []byte) []byte { return noise(1, len(data)) })
	if report := f.repair(); !report.Uncertain {
		t.Error("the report calls nothing uncertain")
	}
	f.open()
	f.holds(f, "a=1 b=1")
}

func TestRepairKeepsThePreviousLog(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("b=1")
	f.must(f.Flush())
	f.put("a=1")
	f.must(f.Close())
	table := f.names(base.FileTable)[0]
	_, num, _ := base.ParseFileName(f.names(base.FileLog)[0])
	f.editManifest(&manifest.Edit{LogNum: new(base.FileNum(900)), PrevLogNum: &num})
	f.must(f.medium.Remove(table))
	f.repair()
	f.open()
	f.holds(f, "a=1")
}
