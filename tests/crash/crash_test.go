package crash

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/varvedb/varve/engine"
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
	workload *workload
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
		low := c.workload.relaxed.Load()
		if kind.powerLoss {
			low = c.workload.strict.Load()
		}
		crashed := c.medium.Crash(keep)
		c.pictures = append(c.pictures, picture{crashed, n, op, kind, int(low), int(c.workload.begun.Load())})
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

func TestRecoveryAfterACrashAtEveryOperation(t *testing.T) {
	seed, crashes, again := firstSeed(t), 0, 0
	for range *runsFlag {
		w := newWorkload(seed, *stepsFlag)
		medium := memfs.New()
		fs := faultfs.New(medium, nil)
		c := &camera{medium: medium, rng: rand.New(rand.NewPCG(seed, 1)), workload: w}
		fs.OnOp(c.shoot)
		if err := w.run(fs); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		fs.OnOp(nil)
		for i, p := range c.pictures {
			crashes++
			if i%17 == 0 {
				again += crashInRecovery(t, w, p)
			}
			if err := w.check(p.fs, w.states, p.low, p.high); err != nil {
				t.Fatalf("seed %d: %v: %v", seed, p, err)
			}
		}
		seed++
	}
	t.Logf("%d crashes, and %d in the recovery from one", crashes, again)
}

// crashInRecovery recovers p's store, and crashes at every operation of that. It returns how
// often.
func crashInRecovery(t *testing.T, w *workload, p picture) int {
	medium := p.fs.Clone()
	fs := faultfs.New(medium, nil)
	var second []picture
	fs.OnOp(func(n int, op faultfs.Op) {
		keep := memfs.Keep{PowerLoss: true, Rand: rand.New(rand.NewPCG(uint64(n), uint64(p.at)))}
		second = append(second, picture{fs: medium.Crash(keep), at: n, op: op, kind: p.kind})
	})
	db, err := engine.Open(fs, &w.options)
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	fs.OnOp(nil)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range second {
		if err := w.check(s.fs, w.states, p.low, p.high); err != nil {
			t.Fatalf("%v, then a %v of its recovery: %v", p, s, err)
		}
	}
	return len(second)
}

func TestContentsTellStatesApart(t *testing.T) {
	w := newWorkload(7, 50)
	if err := w.run(memfs.New()); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(w.states); i++ {
		if maps.Equal(w.states[i-1], w.states[i]) {
			t.Fatalf("states %d and %d are equal: the test could not see a lost write", i-1, i)
		}
	}
}
