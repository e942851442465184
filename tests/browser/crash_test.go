//go:build js && wasm

package browser

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/tests/internal/workload"
	"github.com/varvedb/varve/vfs/idbfs"
)

// crashes are the ways in which a tab ends at a transaction.
var crashes = []struct {
	name   string
	inject func(b *browser) // before the call
}{
	{"before it", func(b *browser) { b.die() }},
	{"while it is under way", func(b *browser) {
		b.abortLater("AbortError")
		b.dying = true
	}},
	{"after it", func(b *browser) { b.dying = true }},
}

// die lets nothing reach the database any more, as the end of the tab does.
func (b *browser) die() {
	b.closeConnections()
	b.dead = true
}

// crashAt runs the workload until the tab ends at a transaction, and returns how many there were.
// What another tab finds must hold all that was acknowledged as relaxed.
func crashAt(t *testing.T, at int, seed uint64, inject func(b *browser)) int {
	name := t.Name()
	fs, err := idbfs.Open(name, idbfs.Options{MustBeNew: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := idbfs.Destroy(name); err != nil {
			t.Error(err)
		}
	})
	b := &browser{at: at, inject: inject}
	b.watch(t)
	w := workload.New(seed, fs)
	err = w.Open()
	for step := 0; err == nil && step < faultSteps; step++ {
		err = w.Step()
	}
	b.die() // where the workload has ended before the crash
	low, high := int(w.Relaxed.Load()), int(w.Begun.Load())
	if w.DB != nil {
		_ = w.Close()
	}
	_ = fs.Close()

	b.dead, b.dying, b.at = false, false, -1
	next, err := idbfs.Open(name, idbfs.Options{MustExist: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.CheckRecovery(next, low, high); err != nil {
		t.Errorf("crash at transaction %d: %v", at, err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
	return b.calls
}

func TestTabEndsAtEveryTransaction(t *testing.T) {
	for i, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			total := len(crashes)
			for at := i; at < total; at += len(crashes) {
				t.Run(fmt.Sprint(at), func(t *testing.T) {
					total = max(total, crashAt(t, at, uint64(at), c.inject))
				})
			}
			t.Logf("%d transactions", total)
		})
	}
}
