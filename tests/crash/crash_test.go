package crash

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/tests/internal/workload"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
)

var (
	seedFlag  = flag.Uint64("crash.seed", 0, "seed of the first workload; 0 draws one")
	stepsFlag = flag.Int("crash.steps", 120, "steps of a workload")
	runsFlag  = flag.Int("crash.runs", 3, "workloads")
)

// crashKind is a way of losing what was not synced.
type crashKind struct {
	name      string
	random    bool
	powerLoss bool
}

var crashKinds = []crashKind{
	{name: "all unsynced lost"},
	{name: "a random part of the unsynced kept", random: true},
	{name: "power lost, nothing unsynced kept", powerLoss: true},
	{name: "power lost, a random part kept", random: true, powerLoss: true},
}

// picture is a crashed file system, with what must and what may be in its store.
type picture struct {
	fs        *memfs.FS
	at        int
	op        faultfs.Op
	kind      crashKind
	low, high int
}

func (p picture) String() string {
	return fmt.Sprintf("crash before operation %d (%v), %s", p.at, p.op, p.kind.name)
}

// camera takes pictures of fs before each of its operations.
type camera struct {
	mu       sync.Mutex
	medium   *memfs.FS
	rng      *rand.Rand
	workload *workload.Workload
	pictures []picture
}

func (c *camera) shoot(n int, op faultfs.Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range crashKinds {
		keep := memfs.Keep{PowerLoss: kind.powerLoss}
		if kind.random {
			keep.Rand = rand.New(rand.NewPCG(c.rng.Uint64(), 0))
		}
		low := c.workload.Relaxed.Load()
		if kind.powerLoss {
			low = c.workload.Strict.Load()
		}
		crashed := c.medium.Crash(keep)
		c.pictures = append(c.pictures, picture{crashed, n, op, kind, int(low), int(c.workload.Begun.Load())})
	}
}

func firstSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("first seed %d (-crash.seed)", seed)
	return seed
}

// run carries w out from beginning to end.
func run(w *workload.Workload, steps int) error {
	if err := w.Open(); err != nil {
		return err
	}
	for range steps {
		if err := w.Step(); err != nil {
			return err
		}
	}
	return w.Close()
}

func TestRecoveryAfterACrashAtEveryOperation(t *testing.T) {
	seed, crashes, again := firstSeed(t), 0, 0
	for range *runsFlag {
		medium := memfs.New()
		fs := faultfs.New(medium, nil)
		w := workload.New(seed, fs)
		c := &camera{medium: medium, rng: rand.New(rand.NewPCG(seed, 1)), workload: w}
		fs.OnOp(c.shoot)
		if err := run(w, *stepsFlag); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		fs.OnOp(nil)
		for i, p := range c.pictures {
			crashes++
			if i%17 == 0 {
				again += crashInRecovery(t, w, p)
			}
			if err := w.CheckRecovery(p.fs, p.low, p.high); err != nil {
				t.Fatalf("seed %d: %v: %v", seed, p, err)
			}
		}
		seed++
	}
	t.Logf("%d crashes, and %d in the recovery from one", crashes, again)
}

// crashInRecovery recovers p's store, and crashes at every operation of that. It returns how
// often.
func crashInRecovery(t *testing.T, w *workload.Workload, p picture) int {
	medium := p.fs.Clone()
	fs := faultfs.New(medium, nil)
	var mu sync.Mutex
	var second []picture
	fs.OnOp(func(n int, op faultfs.Op) {
		mu.Lock()
		defer mu.Unlock()
		keep := memfs.Keep{PowerLoss: true, Rand: rand.New(rand.NewPCG(uint64(n), uint64(p.at)))}
		second = append(second, picture{fs: medium.Crash(keep), at: n, op: op, kind: p.kind})
	})
	db, err := engine.Open(fs, &w.Options)
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	fs.OnOp(nil)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range second {
		if err := w.CheckRecovery(s.fs, p.low, p.high); err != nil {
			t.Fatalf("%v, then a %v of its recovery: %v", p, s, err)
		}
	}
	return len(second)
}

func TestContentsTellStatesApart(t *testing.T) {
	w := workload.New(7, memfs.New())
	if err := run(w, 50); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(w.States); i++ {
		if maps.Equal(w.States[i-1], w.States[i]) {
			t.Fatalf("states %d and %d are equal: the test could not see a lost write", i-1, i)
		}
	}
}
