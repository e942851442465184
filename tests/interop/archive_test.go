//go:build !js

package interop

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os/exec"
	"testing"
	"time"

	"github.com/syndtr/goleveldb/leveldb/opt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/archive"
	"github.com/varvedb/varve/vfs/memfs"
)

// entriesOf gives each key its value.
func entriesOf(t *testing.T, walk func() ([]entry, error)) map[string]string {
	t.Helper()
	entries, err := walk()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		all[e.key] = e.value
	}
	return all
}

func TestGoleveldbOpensWhatTarUnpacks(t *testing.T) {
	dir, unpacked := t.TempDir(), t.TempDir()
	var want map[string]string
	var archived bytes.Buffer
	withVarve(t, dir, nil, func(s varveStore) {
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 20_000 {
			key := fmt.Appendf(nil, "key%06d", random.IntN(20_000))
			if err := s.Put(key, fmt.Append(nil, random.Uint64()), engine.Deferred); err != nil {
				t.Fatal(err)
			}
			if i%4000 == 0 {
				if err := s.Flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		want = entriesOf(t, s.forward)
		image, err := s.NewImage()
		if err != nil {
			t.Fatal(err)
		}
		r := archive.NewReader(image, time.Now())
		if _, err := io.Copy(&archived, r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
	untar := exec.Command("tar", "-x", "-f", "-", "-C", unpacked)
	untar.Stdin = &archived
	if output, err := untar.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, output)
	}
	withGoleveldb(t, unpacked, opt.Options{}, func(s goleveldbStore) {
		if got := entriesOf(t, s.forward); !maps.Equal(got, want) {
			t.Errorf("goleveldb finds %d keys of %d, or other values", len(got), len(want))
		}
		if err := s.Put([]byte("more"), []byte("of it"), nil); err != nil {
			t.Fatal(err)
		}
	})
	want["more"] = "of it"

	// What tar makes of goleveldb's directory, with its LOG and its open log file.
	packed, err := exec.Command("tar", "-c", "-f", "-", "-C", unpacked, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	fs := memfs.New()
	if err := archive.Restore(fs, bytes.NewReader(packed), engine.Options{}); err != nil {
		t.Fatal(err)
	}
	db, err := engine.Open(fs, &engine.Options{ErrorIfMissing: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := entriesOf(t, varveStore{db}.forward); !maps.Equal(got, want) {
		t.Errorf("%d keys were restored of %d, or other values", len(got), len(want))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
