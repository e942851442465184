package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/tests/bench/dbbench"
	"github.com/varvedb/varve/vfs/osfs"
)

// benchOptions are bench's flags.
type benchOptions struct {
	workloads string
	deferred  bool
	dbbench.Config
}

func benchCommand() command {
	return command{
		name:    "bench",
		args:    "DIR [FLAGS]",
		summary: "measure the store's speed on a disk, with db_bench's workloads",
		details: `
The workloads are fillseq, fillsync, fillrandom, fillbatch, overwrite, readrandom, readmissing,
readseq, readreverse, seekrandom, deleterandom and readwhilewriting.

Each runs on a store of its own, which is made in DIR and removed afterwards: one that reads or
overwrites begins with N entries that were written in random order and compacted. DIR must be
missing or empty, and is left empty; an interrupted bench leaves the store that it was at. Keys have
16 bytes, values compress to about half. A write is a system call, as in LevelDB; those of fillsync,
a thousandth of N, wait for the disk.`,
		minArgs: 1, maxArgs: 1,
		setup: func(flags *flag.FlagSet) action {
			var o benchOptions
			flags.StringVar(&o.workloads, "workloads", "", "run those in `LIST`, with commas between; default all")
			flags.IntVar(&o.Num, "num", 100_000, "store `N` entries; each thread makes as many operations")
			flags.IntVar(&o.ValueSize, "value-size", 100, "store values of `N` bytes")
			flags.IntVar(&o.Threads, "threads", 1, "let `N` threads do the same at once")
			flags.BoolVar(&o.deferred, "deferred", false, "write to memory, with a system call within 20 ms")
			return func(env *environment, args []string) error { return bench(env, args[0], o) }
		},
	}
}

func bench(env *environment, dir string, o benchOptions) error {
	workloads, err := o.selected()
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if err := checkEmpty(dir); err != nil {
		return err
	}
	o.Now = env.now
	if _, err := fmt.Fprintf(env.out, "keys of 16 bytes, values of %d bytes, %d entries, %s\n",
		o.ValueSize, o.Num, base.Plural(int64(o.Threads), "thread")); err != nil {
		return err
	}
	for _, w := range workloads {
		result, err := o.measure(w, filepath.Join(dir, w.Name))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(env.out, "%-16s : %v\n", w.Name, result); err != nil {
			return err
		}
	}
	return nil
}

func (o benchOptions) selected() ([]dbbench.Workload, error) {
	if o.workloads == "" {
		return dbbench.Workloads(), nil
	}
	var selected []dbbench.Workload
	for name := range strings.SplitSeq(o.workloads, ",") {
		w, err := dbbench.Find(name)
		if err != nil {
			return nil, &usageError{reason: err.Error()}
		}
		selected = append(selected, w)
	}
	return selected, nil
}

func (o benchOptions) check() error {
	switch {
	case o.Num < 1:
		return &usageError{reason: fmt.Sprintf("--num can't be %d", o.Num)}
	case o.Threads < 1:
		return &usageError{reason: fmt.Sprintf("--threads can't be %d", o.Threads)}
	case o.ValueSize < 0 || o.ValueSize > engine.MaxValueLen:
		return &usageError{reason: fmt.Sprintf("--value-size can't be %d", o.ValueSize)}
	}
	return nil
}

// measure runs w on a new store in dir, which it removes.
func (o benchOptions) measure(w dbbench.Workload, dir string) (result dbbench.Result, err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	err = openAndWork(dir, &engine.Options{}, osfs.Create, func(s store) error {
		subject := dbbench.Varve{DB: s.DB, Durability: engine.Relaxed}
		if o.deferred {
			subject.Durability = engine.Deferred
		}
		if err := w.Prepare(subject, o.Config); err != nil {
			return err
		}
		var err error
		result, err = w.Run(subject, o.Config)
		return err
	})
	return result, err
}
