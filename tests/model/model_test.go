package model

import (
	"embed"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/varvedb/varve/vfs"
)

var (
	seedFlag = flag.Uint64("model.seed", 0, "seed of the first random program; 0 draws one")
	opsFlag  = flag.Int("model.ops", 0, "operations of all random programs together; 0 is a brief run")
)

//go:embed testdata
var kept embed.FS

// programLen is how many operations one random program has.
const programLen = 2000

// runRandom runs random programs of ops operations together, each on a file system of its own.
func runRandom(t *testing.T, ops int, newFS func(t *testing.T) vfs.FS) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	if *opsFlag > 0 {
		ops = *opsFlag
	}
	for ; ops > 0; ops -= programLen {
		p := Generate(rand.New(rand.NewPCG(seed, 0)), min(ops, programLen))
		if err := Run(p, newFS(t)); err != nil {
			short := Shrink(p, 300, func(p Program) bool { return Run(p, newFS(t)) != nil })
			t.Fatalf("seed %d (-model.seed): %v\nshrunk to %d operations, to be kept in testdata:\n%s\nwhich fails with: %v",
				seed, err, len(short), short, Run(short, newFS(t)))
		}
		seed++
	}
}

// runKept runs the programs in testdata, each of which failed once.
func runKept(t *testing.T, newFS func(t *testing.T) vfs.FS) {
	files, err := kept.ReadDir("testdata")
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(file.Name(), func(t *testing.T) {
			text, err := kept.ReadFile("testdata/" + file.Name())
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := Run(p, newFS(t)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestProgramTextRoundTrip(t *testing.T) {
	p := Generate(rand.New(rand.NewPCG(1, 1)), 500)
	again, err := Parse(p.String())
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != again.String() || fmt.Sprint(p) != fmt.Sprint(again) {
		t.Fatal("the program's text reads back as another program")
	}
}
