//go:build js && wasm

package idbfs

import (
	"syscall/js"
	"testing"
	"time"
)

// ownedStore returns a store with its owner's lock.
func ownedStore(t *testing.T) *FS {
	storeWithRoot(t)
	fs := must(openOwned(t))(t)
	lock := must(fs.Lock())(t)
	t.Cleanup(func() { _ = lock.Close() })
	return fs
}

// countReadsBetween counts the reads for records that never were.
func countReadsBetween(t *testing.T) *int64 {
	n := new(int64)
	patch(t, "IDBObjectStore", "get", func(this js.Value, args []js.Value, original js.Value) any {
		if args[0].Type() == js.TypeNumber && args[0].Float() != float64(int64(args[0].Float())) {
			*n++
		}
		return call(original, this, args)
	})
	return n
}

// estimateDatabases makes the browser tell what databases take.
func estimateDatabases(t *testing.T, used int) {
	details := map[string]any{"indexedDB": used}
	answerEstimates(t, "resolve", map[string]any{"quota": 1 << 40, "usage": used, "usageDetails": details})
}

func deleteTable(t *testing.T, fs *FS, size int) {
	t.Helper()
	writeFile(t, fs, "000009.ldb", size)
	check(t, fs.Remove("000009.ldb"), fs.drain())
}

func TestMuchThatWasDeletedIsReadForInVain(t *testing.T) {
	fs := ownedStore(t)
	writeFile(t, fs, "000008.ldb", 3*tidyFrom) // beside which a third of that is enough
	reads := countReadsBetween(t)
	estimateDatabases(t, 1<<30)
	deleteTable(t, fs, tidyFrom)
	const want = tidyRounds * tidySlices * tidyReads
	for end := time.Now().Add(60 * time.Second); *reads < want && time.Now().Before(end); {
		time.Sleep(tidyInterval)
	}
	time.Sleep(4 * tidyInterval)
	if *reads != want {
		t.Errorf("%d reads in vain, want %d", *reads, want)
	}
}

func TestWhereLittleIsHeldNothingIsTidied(t *testing.T) {
	for _, c := range []struct {
		name    string
		deleted int
		inform  func(t *testing.T)
	}{
		{"LittleDeleted", tidyFrom / 2, func(t *testing.T) { estimateDatabases(t, 1<<30) }},
		{"LittleHeld", tidyFrom, func(t *testing.T) { estimateDatabases(t, 1<<10) }},
		{"NothingTold", tidyFrom, func(t *testing.T) { estimate(t, 1<<40, 1<<30) }},
		{"NoEstimate", tidyFrom, estimateFails},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := ownedStore(t)
			reads := countReadsBetween(t)
			c.inform(t)
			deleteTable(t, fs, c.deleted)
			time.Sleep(tidyPause + 4*tidyInterval)
			if *reads != 0 {
				t.Errorf("%d reads in vain", *reads)
			}
		})
	}
}

func TestClosedStoreIsNotTidied(t *testing.T) {
	fs := ownedStore(t)
	reads := countReadsBetween(t)
	estimateDatabases(t, 1<<30)
	deleteTable(t, fs, tidyFrom)
	for end := time.Now().Add(30 * time.Second); *reads == 0 && time.Now().Before(end); {
		time.Sleep(tidyInterval / 10)
	}
	check(t, fs.Close())
	before := *reads
	time.Sleep(4 * tidyInterval)
	if *reads != before || before == 0 {
		t.Errorf("%d reads in vain before the end, %d after", before, *reads-before)
	}
}
