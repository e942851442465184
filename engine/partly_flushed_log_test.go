package engine

import (
	"bytes"
	"errors"
	"testing"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/faultfs"
)

const partlyFlushedKeys = 200

// partlyFlushedLog returns a store, closed, with a log of which a recovery has flushed the most, down
// to level 1: each key was put twice, with values that begin with a and b. The log's content is
// changed by damage then.
func partlyFlushedLog(t *testing.T, damage func(content []byte) []byte) *fixture {
	f := newFixture(t, quietOptions())
	for round := range 2 {
		for i := range partlyFlushedKeys {
			f.must(f.Put(numberedKey(i), append([]byte{"ab"[round]}, noise(i, 200)...), Strict))
		}
	}
	f.must(f.Close())
	f.options = smallOptions()
	f.options.L0CompactionFiles = 1
	f.open()
	f.flushed()
	await(func() bool { return f.Metrics().Levels[0].Files == 0 })
	f.must(f.Close())
	f.rewrite(f.names(base.FileLog)[0], damage)
	f.fs = faultfs.New(f.medium, nil)
	return f
}

func TestCutOffLogBehindTablesIsNotOpenedAndRepaired(t *testing.T) {
	f := partlyFlushedLog(t, func(content []byte) []byte { return content[:5000] })
	var corrupt *CorruptionError
	if err := f.openFails(); !errors.As(err, &corrupt) {
		t.Fatalf("Open: %v", err)
	}
	f.repairsPartlyFlushedLog()
}

func TestNoCutOfALogBehindTablesIsTakenForTheWhole(t *testing.T) {
	found := map[string]int{}
	for cut := 500; ; cut += 2500 {
		all := false
		f := partlyFlushedLog(t, func(content []byte) []byte {
			all = cut >= len(content)
			return content[:min(cut, len(content))]
		})
		db, err := Open(f.fs, &f.options)
		f.DB = db
		by := "Open"
		if err == nil {
			by = "Verify"
			_, err = f.Verify()
		}
		switch {
		case err == nil:
			by = "nobody"
			for i := range partlyFlushedKeys {
				if _, err := f.Get(nil, numberedKey(i)); err != nil {
					t.Fatalf("cut off at %d, key %d: %v", cut, i, err)
				}
			}
		case !errors.As(err, new(*CorruptionError)):
			t.Fatalf("cut off at %d: %v", cut, err)
		}
		if db != nil {
			f.must(db.Close())
		}
		found[by]++
		if all {
			break
		}
	}
	t.Log(found)
}

func TestRepairOfADamagedLogBehindTables(t *testing.T) {
	f := partlyFlushedLog(t, func(content []byte) []byte {
		for i := 5000; i < len(content); i += 64 {
			content[i] ^= 0x55
		}
		return content
	})
	f.repairsPartlyFlushedLog()
}

// repairsPartlyFlushedLog fails unless Repair gives back what the tables hold, whichever way it is
// read, and what is put then is newer.
func (f *fixture) repairsPartlyFlushedLog() {
	f.t.Helper()
	_, err := Repair(f.fs, &f.options)
	f.must(err)
	f.open()
	old := 0
	for i := range partlyFlushedKeys {
		value, err := f.Get(nil, numberedKey(i))
		if err != nil {
			f.t.Errorf("Get of key %d: %v", i, err)
		} else if bytes.HasPrefix(value, []byte("a")) {
			old++
		}
	}
	if old > partlyFlushedKeys/4 {
		f.t.Errorf("%d values are the older ones", old)
	}
	f.must(f.Put(numberedKey(100), []byte("new"), Strict))
	// Were sequence numbers used again, the older value would come to light by now.
	for i := range 500 {
		f.must(f.Put(append([]byte("z"), numberedKey(i)...), nil, Strict))
	}
	f.dump(f) // checks that all ways of reading agree
	if value, err := f.Get(nil, numberedKey(100)); err != nil || string(value) != "new" {
		f.t.Errorf("what was put last reads %.10q, %v", value, err)
	}
}
