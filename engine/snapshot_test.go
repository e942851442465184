package engine

import (
	"fmt"
	"testing"
)

func TestSnapshotKeepsItsMoment(t *testing.T) {
	for name, change := range map[string]func(f *fixture) error{
		"writes":         func(f *fixture) error { return nil },
		"flush":          func(f *fixture) error { return f.Flush() },
		"compaction":     func(f *fixture) error { return f.Compact(nil, nil) },
		"range deletion": func(f *fixture) error { return f.DeleteRange(nil, nil, Relaxed) },
		"deletion, then compaction": func(f *fixture) error {
			f.del("a", "b", "c", "d")
			return f.Compact(nil, nil)
		},
	} {
		f := newFixture(t, quietOptions())
		f.put("a=1", "b=1", "c=1")
		f.must(f.Flush())
		s, err := f.NewSnapshot()
		f.must(err)
		f.put("a=2", "d=2")
		f.del("b")
		f.must(change(f))
		f.put("c=3")
		t.Log(name)
		f.holds(s, "a=1 b=1 c=1")
		if found, err := s.Has([]byte("d")); found || err != nil {
			t.Errorf("%s: has d: %t, %v", name, found, err)
		}
		f.must(s.GetMany([][]byte{{'b'}, {'d'}}, func(i int, value []byte, found bool) {
			if found != (i == 0) {
				t.Errorf("%s: GetMany: %d: %q, %t", name, i, value, found)
			}
		}))
		f.must(s.Close())
	}
}

func TestEverySnapshotKeepsItsOwnVersionThroughCompaction(t *testing.T) {
	f := newFixture(t, quietOptions())
	var snapshots []*Snapshot
	for i := range 5 {
		f.put(fmt.Sprintf("a=%d", i))
		s, err := f.NewSnapshot()
		f.must(err)
		again, err := f.NewSnapshot()
		f.must(err)
		f.must(again.Close()) // s stands at the same moment, and stays open
		snapshots = append(snapshots, s)
		f.must(f.Flush())
	}
	f.del("a")
	for open := len(snapshots); ; open-- {
		f.must(f.Compact(nil, nil))
		report, err := f.Verify()
		f.must(err)
		want := int64(open)
		if open > 0 {
			want++ // the deletion, which hides what the snapshots see
		}
		if report.Entries != want {
			t.Errorf("%d snapshots open: %d entries, want %d", open, report.Entries, want)
		}
		for i, s := range snapshots[:open] {
			f.holds(s, fmt.Sprintf("a=%d", i))
		}
		if open == 0 {
			break
		}
		f.must(snapshots[open-1].Close())
	}
	f.holds(f, "")
}

func TestClosedSnapshotRefusesReads(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	s, err := f.NewSnapshot()
	f.must(err)
	it, err := s.NewIterator(IterOptions{})
	f.must(err)
	f.must(s.Close())
	f.must(s.Close())
	_, err = s.Get(nil, []byte("a"))
	expect(t, "Get", err, ErrClosed)
	_, err = s.TryGet(nil, []byte("a"))
	expect(t, "TryGet", err, ErrClosed)
	_, err = s.Has([]byte("a"))
	expect(t, "Has", err, ErrClosed)
	_, err = s.NewIterator(IterOptions{})
	expect(t, "NewIterator", err, ErrClosed)
	expect(t, "GetMany", s.GetMany(nil, nil), ErrClosed)
	f.put("a=2")
	f.must(f.Compact(nil, nil))
	if pairs := entries(it, it.First, it.Next); fmt.Sprint(pairs) != "[a=1]" {
		t.Errorf("an iterator that outlives its snapshot finds %v", pairs)
	}
	f.must(it.Close())
}

func TestSnapshotIsTakenBetweenWrites(t *testing.T) {
	f := newFixture(t, quietOptions())
	f.put("a=1")
	s := f.trySnapshot()
	defer s.Close()
	f.put("a=2")
	f.holds(s, "a=1")
	f.holds(f, "a=2")
	if n := f.Metrics().Snapshots; n != 1 {
		t.Errorf("%d snapshots open", n)
	}
}
