package engine

import (
	"iter"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

// pairs yields keys and values from strings like "key", "value".
func pairs(keysAndValues ...string) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := 0; i < len(keysAndValues); i += 2 {
			if !yield([]byte(keysAndValues[i]), []byte(keysAndValues[i+1])) {
				return
			}
		}
	}
}

func TestIngestIsNewerThanAllBeforeIt(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=0", "b=0")
	f.must(f.Compact(nil, nil))
	f.put("b=1", "c=1")
	f.must(f.Flush())
	f.put("c=2", "d=2")
	s, err := f.NewSnapshot()
	f.must(err)
	f.must(f.Ingest(pairs("a", "3", "c", "3", "d", "3", "e", "3")))
	f.put("d=4")
	const want = "a=3 b=1 c=3 d=4 e=3"
	f.holds(f, want)
	f.holds(s, "a=0 b=1 c=2 d=2")
	f.must(s.Close())
	f.must(f.Compact(nil, nil))
	f.holds(f, want)
	f.reopen()
	f.holds(f, want)
}

func TestIngestIsDurableAndWritesNoLog(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.must(f.Ingest(pairs("a", "1", "b", "2")))
	if n := f.Metrics().LogBytes; n != 0 {
		t.Errorf("%d bytes of log", n)
	}
	if n := f.files(); n[0] != 0 {
		t.Errorf("files by level %v: what overlaps nothing belongs to the bottom", n)
	}
	f.crash()
	f.holds(f, "a=1 b=2")
}

func TestIngestRefusesWhatDoesNotAscend(t *testing.T) {
	for name, entries := range map[string][]string{
		"descending": {"a", "1", "c", "1", "b", "1"},
		"twice":      {"a", "1", "a", "2"},
		"empty key":  {"", "1"},
	} {
		f := newFixture(t, quietOptions())
		f.put("a=0")
		expect(t, name, f.Ingest(pairs(entries...)), ErrInvalidArgument)
		f.holds(f, "a=0")
		f.put("b=0")
		f.must(f.Check())
	}
}

func TestIngestThatFailsLeavesNothing(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Create, faultfs.Write, faultfs.Sync} {
		f := newFixture(t, quietOptions())
		f.put("a=0")
		f.must(f.Flush())
		f.fs.SetRule(failing(onKind(base.FileTable, kind), 0))
		expect(t, "Ingest", f.Ingest(pairs("a", "1", "b", "1")), errInjected)
		f.fs.SetRule(nil)
		f.holds(f, "a=0")
		f.must(f.Check())
		f.must(f.Ingest(pairs("a", "2", "b", "2")))
		f.holds(f, "a=2 b=2")
	}
}

func TestIngestHoldsSnapshotsOff(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.must(f.Ingest(func(yield func(key, value []byte) bool) {
		_, err := f.TrySnapshot()
		expect(t, "TrySnapshot during Ingest", err, ErrWouldWait)
		yield([]byte("a"), []byte("1"))
	}))
	s := f.trySnapshot()
	f.holds(s, "a=1")
	f.must(s.Close())
}

func TestIngestGoesAboveWhatItOverlaps(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=0", "c=0")
	f.must(f.Compact(nil, nil))
	f.must(f.Ingest(pairs("b", "1", "c", "1")))
	if n := f.files(); n[0] != 1 || n[1] != 1 {
		t.Errorf("files by level %v, want one above the other", n)
	}
	f.holds(f, "a=0 b=1 c=1")
}
