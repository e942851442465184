package fault

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/tests/internal/workload"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
)

var seedFlag = flag.Uint64("fault.seed", 0, "seed of the workload; 0 draws one")

var (
	errIO      = fmt.Errorf("injected: %w", vfs.ErrIO)
	errNoSpace = fmt.Errorf("injected: %w", vfs.ErrNoSpace)
)

// faults are the ways in which an operation fails.
var faults = []struct {
	name  string
	fault faultfs.Fault
}{
	{"I/O error", faultfs.Fault{Err: errIO}},
	{"I/O error, the tail stays", faultfs.Fault{Err: errIO, KeepTail: true}},
	{"I/O error, done all the same", faultfs.Fault{Err: errIO, Done: true}},
	{"no space", faultfs.Fault{Err: errNoSpace}},
	{"no space after 5 bytes", faultfs.Fault{Err: errNoSpace, Short: 5}},
	{"no space after 100 bytes, which stay", faultfs.Fault{Err: errNoSpace, Short: 100, KeepTail: true}},
}

// errorsSuffered is how many steps fail before a lasting fault is lifted.
const errorsSuffered = 5

// medium is an empty file system under test.
type medium struct {
	vfs.FS

	// again returns what is found after the end, as sudden as may be, of whoever wrote it.
	again func() (vfs.FS, error)
}

// length is that of the workload.
type length struct {
	steps  int // in which the fault begins
	after  int // that follow its end
	stride int // every how many operations one fails; 1: each
}

// trial is one workload and the fault that befalls it.
type trial struct {
	seed  uint64
	at    int // the first operation that fails
	fault faultfs.Fault
	lasts bool // until it is lifted; else one operation fails

	medium medium
	fs     *faultfs.FS
	work   *workload.Workload

	mu     sync.Mutex
	failed []faultfs.Op
}

func newTrial(m medium, seed uint64, at int, fault faultfs.Fault, lasts bool) *trial {
	tr := &trial{seed: seed, at: at, fault: fault, lasts: lasts, medium: m}
	tr.fs = faultfs.New(m.FS, tr.rule)
	tr.work = workload.New(seed, tr.fs)
	tr.work.TailsStay = fault.KeepTail
	return tr
}

func (tr *trial) rule(n int, op faultfs.Op) *faultfs.Fault {
	if n < tr.at || n > tr.at && !tr.lasts {
		return nil
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.failed = append(tr.failed, op)
	return &tr.fault
}

func (tr *trial) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return fmt.Sprintf("seed %d, %d operations from %d on failed: %v", tr.seed, len(tr.failed), tr.at, tr.failed[:min(3, len(tr.failed))])
}

// leavesFiles reports whether the fault may leave files that only the next opening removes.
func (tr *trial) leavesFiles() bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, op := range tr.failed {
		if op.Kind == faultfs.Remove || op.Kind == faultfs.Rename || tr.fault.Done {
			return true
		}
	}
	return false
}

// run returns what the store did wrong.
func (tr *trial) run(l length) error {
	if err := tr.suffer(l.steps); err != nil {
		return fmt.Errorf("during the fault: %w", err)
	}
	tr.awaitBackground()
	tr.fs.SetRule(nil)
	if err := tr.resume(l.after); err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	return nil
}

// suffer carries the workload out until it is through or has failed often enough. Steps may
// fail with the fault; what can be read then must be right.
func (tr *trial) suffer(steps int) error {
	for failures := 0; steps > 0 && failures < errorsSuffered; steps-- {
		err := tr.step()
		if err == nil {
			continue
		}
		failures++
		if !errors.Is(err, tr.fault.Err) {
			return err
		}
		if tr.work.DB == nil {
			continue
		}
		if err := tr.work.CheckContents(); err != nil && !errors.Is(err, tr.fault.Err) {
			return fmt.Errorf("after %q: %w", err, err)
		}
	}
	return nil
}

// step makes a step of the workload, or opens the store if an error has closed it.
func (tr *trial) step() error {
	if tr.work.DB != nil {
		return tr.work.Step()
	}
	err := tr.work.Reopen()
	if err != nil && tr.work.DB != nil {
		// It could be opened, but not be read: what it holds is to be seen later.
		return errors.Join(err, tr.work.Close())
	}
	return err
}

// resume checks that no trace of the fault is left.
func (tr *trial) resume(steps int) error {
	w := tr.work
	if w.DB == nil {
		if err := w.Reopen(); err != nil {
			return err
		}
	}
	if err := errors.Join(tr.readAgain(), w.Write()); err != nil {
		return err
	}
	for range steps {
		if err := w.Step(); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Sync(), w.DB.Flush(), w.DB.Compact(nil, nil), w.CheckContents()); err != nil {
		return err
	}
	if !tr.leavesFiles() {
		if err := w.DB.Check(); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Close(), w.Open()); err != nil {
		return err
	}
	if err := errors.Join(w.CheckContents(), w.DB.Check(), verify(w.DB), w.Close()); err != nil {
		return err
	}
	last := int(w.Strict.Load())
	found, err := tr.medium.again()
	if err != nil {
		return err
	}
	return w.CheckRecovery(found, last, last)
}

// readAgain checks what the store holds. The first reads after the fault may share the opening
// of a table that began in the background before.
func (tr *trial) readAgain() error {
	for attempt := 0; ; attempt++ {
		err := tr.work.CheckContents()
		if !errors.Is(err, tr.fault.Err) || attempt == 2 {
			return err
		}
	}
}

// awaitBackground returns when nothing is asked of the file system any more: a write that comes to
// wait for a log which is failing already fails with it, though the fault is lifted meanwhile.
func (tr *trial) awaitBackground() {
	for before := -1; ; time.Sleep(3 * time.Millisecond) {
		now := len(tr.fs.Ops())
		if now == before {
			return
		}
		before = now
	}
}

func verify(db *engine.DB) error {
	_, err := db.Verify()
	return err
}

func seed(t *testing.T) uint64 {
	s := *seedFlag
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d (-fault.seed)", s)
	return s
}

// operations returns how many operations the workload takes if none fails.
func operations(t *testing.T, newMedium func(*testing.T) medium, seed uint64, l length) int {
	tr := newTrial(newMedium(t), seed, 1<<30, faultfs.Fault{}, false)
	if err := errors.Join(tr.work.Open(), tr.run(l)); err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	return len(tr.fs.Ops())
}

// failEvery has every operation fail in turn, or as many as the stride says, in every way.
func failEvery(t *testing.T, newMedium func(*testing.T) medium, l length, lasts bool) {
	seed := seed(t)
	total, trials := operations(t, newMedium, seed, l), 0
	for i, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			for at := i * l.stride / len(faults); at < total; at += l.stride {
				tr := newTrial(newMedium(t), seed, at, f.fault, lasts)
				if err := tr.run(l); err != nil {
					t.Fatalf("%v: %v", tr, err)
				}
				trials++
			}
		})
	}
	t.Logf("%d trials", trials)
}
