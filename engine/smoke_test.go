package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/varvedb/varve/vfs/memfs"
)

func TestSmoke(t *testing.T) {
	fs := memfs.New()
	o := &Options{MemtableSize: 64 << 10, TableSize: 64 << 10, BaseLevelSize: 256 << 10}
	db, err := Open(fs, o)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	model := map[string]string{}
	for round := range 3 {
		for i := range 30000 {
			k := fmt.Sprintf("key%06d", rng.IntN(20000))
			v := fmt.Sprintf("value%d-%d", round, i)
			if rng.IntN(5) == 0 {
				delete(model, k)
				err = db.Delete([]byte(k), Relaxed)
			} else {
				model[k] = v
				err = db.Put([]byte(k), []byte(v), Relaxed)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		check := func() {
			it, err := db.NewIterator(IterOptions{})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for ok := it.First(); ok; ok = it.Next() {
				n++
				if model[string(it.Key())] != string(it.Value()) {
					t.Fatalf("%s: %s want %s", it.Key(), it.Value(), model[string(it.Key())])
				}
			}
			if it.Error() != nil || n != len(model) {
				t.Fatal(it.Error(), n, len(model))
			}
			n = 0
			for ok := it.Last(); ok; ok = it.Prev() {
				n++
				if model[string(it.Key())] != string(it.Value()) {
					t.Fatalf("%s: %s want %s", it.Key(), it.Value(), model[string(it.Key())])
				}
			}
			if it.Error() != nil || n != len(model) {
				t.Fatal(it.Error(), n, len(model))
			}
			it.Close()
			for i := range 20000 {
				k := fmt.Sprintf("key%06d", i)
				v, err := db.Get(nil, []byte(k))
				if w, ok := model[k]; ok != (err == nil) || w != string(v) {
					t.Fatal(k, err, string(v), w)
				}
			}
		}
		check()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if db, err = Open(fs, o); err != nil {
			t.Fatal(err)
		}
		check()
	}
	t.Logf("%+v", db.Metrics())
	if err := db.Compact(nil, nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", db.Metrics().Levels)
	if err := db.Check(); err != nil {
		t.Fatal(err)
	}
	if r, err := db.Verify(); err != nil || r.Entries != int64(len(model)) {
		t.Fatal(r, err, len(model))
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
