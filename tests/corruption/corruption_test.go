package corruption

import (
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs/faultfs"
)

var (
	seedFlag = flag.Uint64("corruption.seed", 0, "seed of the store and the damage; 0 draws one")
	bitsFlag = flag.Int("corruption.bits", 1, "how many bits of each byte are flipped in turn")
)

func newStore(t *testing.T) (*store, *rand.Rand) {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d (-corruption.seed)", seed)
	s, err := build(seed)
	if err != nil {
		t.Fatal(err)
	}
	return s, rand.New(rand.NewPCG(seed, 1))
}

// check examines damaged files and fails unless what can be read is want, and all damage
// found is that of the file name.
func check(damaged files, name string, want map[string]string) (*findings, error) {
	fs, err := damaged.fs()
	if err != nil {
		return nil, err
	}
	f, err := examine(fs)
	if err != nil {
		return f, err
	}
	return f, errors.Join(f.blame(name), f.compare(want))
}

func (f files) names() []string { return slices.Sorted(maps.Keys(f)) }

func isLog(name string) bool   { return strings.HasSuffix(name, ".log") }
func isTable(name string) bool { return strings.HasSuffix(name, ".ldb") }

func TestStoreHasEveryKindOfFile(t *testing.T) {
	s, _ := newStore(t)
	f, err := check(s.files, "", s.want(s.whole))
	if err != nil || !f.sound() {
		t.Fatalf("the undamaged store: %v, %v", f.corrupt, err)
	}
	logs, tables := 0, 0
	for _, name := range s.files.names() {
		t.Logf("%s: %d bytes", name, len(s.files[name]))
		if isLog(name) {
			logs++
		}
		if isTable(name) {
			tables++
		}
	}
	if logs != 2 || tables < 4 {
		t.Errorf("%d logs and %d tables", logs, tables)
	}
}

func TestNoFlippedBitIsReadAsData(t *testing.T) {
	s, rng := newStore(t)
	want := s.want(s.whole)
	for _, name := range s.files.names() {
		t.Run(name, func(t *testing.T) {
			harmless, length := 0, len(s.files[name])
			for i := range length {
				for _, bit := range rng.Perm(8)[:*bitsFlag] {
					f, err := check(s.files.flip(name, 8*i+bit), name, want)
					if err != nil {
						t.Fatalf("bit %d of byte %d of %d: %v", bit, i, length, err)
					}
					if f.sound() {
						harmless++
					}
				}
			}
			// The zeros that fill a table's footer are not covered by anything.
			if limit := map[bool]int{true: 40 * *bitsFlag}[isTable(name)]; harmless > limit {
				t.Errorf("%d of %d flipped bits were not found", harmless, length)
			}
		})
	}
}

func TestTruncatedLogHasItsFirstRecords(t *testing.T) {
	s, _ := newStore(t)
	for _, w := range s.logged {
		name, whole := w.log, s.whole(w.log)
		if _, done := s.files[name]; !done {
			continue
		}
		for length := range whole {
			want := s.want(func(log string) int {
				if log == name {
					return length
				}
				return s.whole(log)
			})
			f, err := check(s.files.with(name, s.files[name][:length:length]), name, want)
			if err != nil {
				t.Fatalf("%s cut to %d bytes: %v", name, length, err)
			}
			trimmed := name == s.lastLog() || s.endsRecord(name, length)
			if f.sound() != trimmed {
				t.Fatalf("%s cut to %d bytes: found %v, want it trimmed: %t", name, length, f.corrupt, trimmed)
			}
		}
	}
}

func TestTruncatedTableIsFound(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range s.files.names() {
		if !isTable(name) {
			continue
		}
		for length := range len(s.files[name]) {
			f, err := check(s.files.with(name, s.files[name][:length:length]), name, nil)
			if err != nil || f.opened {
				t.Fatalf("%s cut to %d bytes: opened: %t, %v", name, length, f.opened, err)
			}
		}
	}
}

// A manifest that is cut off is an older one, if it is a whole one at all: its tables may be
// gone by now, and so may its logs.
func TestTruncatedManifestGivesNothingThatWasNeverWritten(t *testing.T) {
	s, _ := newStore(t)
	name := s.manifest()
	for length := range len(s.files[name]) {
		fs, err := s.files.with(name, s.files[name][:length:length]).fs()
		if err != nil {
			t.Fatal(err)
		}
		f, err := examine(fs)
		if err != nil {
			t.Fatalf("cut to %d bytes: %v", length, err)
		}
		for _, e := range append(f.forward.entries, f.backward.entries...) {
			if !s.ever[e.key+"="+e.value] {
				t.Fatalf("cut to %d bytes: %v was never written", length, e)
			}
		}
	}
}

func TestMissingOrEmptyFileIsFound(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range s.files.names() {
		if isLog(name) {
			continue
		}
		blamed := name
		if name == s.manifest() {
			blamed = "CURRENT"
		}
		f, err := check(s.files.with(name, nil), blamed, nil)
		if err != nil || f.opened {
			t.Errorf("without %s: opened: %t, %v", name, f.opened, err)
		}
		f, err = check(s.files.with(name, []byte{}), name, nil)
		if err != nil || f.opened {
			t.Errorf("with an empty %s: opened: %t, %v", name, f.opened, err)
		}
	}
}

// No file names the logs that there are: the store can't know that there was one more.
func TestMissingLogTakesItsWritesOnly(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range s.files.names() {
		if !isLog(name) {
			continue
		}
		want := s.want(func(log string) int {
			if log == name {
				return 0
			}
			return s.whole(log)
		})
		if f, err := check(s.files.with(name, nil), name, want); err != nil || !f.sound() {
			t.Errorf("without %s: %v, %v", name, f.corrupt, err)
		}
	}
}

func TestSwappedFilesAreFound(t *testing.T) {
	s, _ := newStore(t)
	names := s.files.names()
	want := s.want(s.whole)
	for i, a := range names {
		for _, b := range names[i+1:] {
			fs, err := s.files.with(a, s.files[b]).with(b, s.files[a]).fs()
			if err != nil {
				t.Fatal(err)
			}
			f, err := examine(fs)
			if err != nil {
				t.Fatalf("%s and %s swapped: %v", a, b, err)
			}
			if f.sound() {
				err = errors.New("no damage was found")
			} else if !f.opened {
				continue
			} else {
				err = f.compare(want)
			}
			if err != nil {
				t.Errorf("%s and %s swapped: %v", a, b, err)
			}
		}
	}
}

func TestCompactionOfDamagedTablesLosesNothing(t *testing.T) {
	s, rng := newStore(t)
	want := s.want(s.whole)
	for _, name := range s.files.names() {
		if !isTable(name) {
			continue
		}
		for range 60 {
			bit := rng.IntN(8 * len(s.files[name]))
			if err := compactDamaged(s.files.flip(name, bit), name, want); err != nil {
				t.Fatalf("bit %d of %s: %v", bit, name, err)
			}
		}
	}
}

// compactDamaged compacts a damaged store. It fails if that loses something without saying so,
// and if what can be read then is not want.
func compactDamaged(damaged files, name string, want map[string]string) error {
	fs, err := damaged.fs()
	if err != nil {
		return err
	}
	db, err := engine.Open(fs, options())
	if err != nil {
		return err
	}
	f := &findings{opened: true}
	err = f.note("compact", db.Compact(nil, nil))
	if err := errors.Join(err, f.read(db), db.Close()); err != nil {
		return err
	}
	return errors.Join(f.blame(name), f.compare(want))
}

func TestBitFlippedByAReadIsNotRemembered(t *testing.T) {
	s, rng := newStore(t)
	want := s.want(s.whole)
	for n := 0; ; n++ {
		medium, err := s.files.fs()
		if err != nil {
			t.Fatal(err)
		}
		flipped := false
		reads := faultfs.On(faultfs.Kinds(faultfs.ReadAt), faultfs.Nth(n, faultfs.Fault{FlipBit: true, Bit: rng.IntN(1 << 20)}))
		fs := faultfs.New(medium, func(i int, op faultfs.Op) *faultfs.Fault {
			fault := reads(i, op)
			flipped = flipped || fault != nil
			return fault
		})
		f, err := examine(fs)
		if err == nil {
			err = f.compare(want)
		}
		if err != nil {
			t.Fatalf("read %d: %v", n, err)
		}
		if !flipped {
			t.Logf("%d reads", n)
			return
		}
		if again, err := check(s.files, "", want); err != nil || !again.sound() {
			t.Fatalf("after the wrong read %d: %v, %v", n, again.corrupt, err)
		}
	}
}

func (s *store) manifest() string {
	for name := range s.files {
		if strings.HasPrefix(name, "MANIFEST") {
			return name
		}
	}
	return ""
}
