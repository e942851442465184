// Command engines runs db_bench's workloads on varve, goleveldb and Pebble, interleaved in one
// run on the same disk, and prints microseconds an operation and the ratios.
//
// It is a module of its own, so that varve does not require Pebble.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/varvedb/varve/tests/bench/dbbench"
)

func main() {
	var c dbbench.Config
	flag.IntVar(&c.Num, "n", 300_000, "records, of 16-byte keys")
	flag.IntVar(&c.ValueSize, "value-size", 100, "bytes of a value")
	flag.IntVar(&c.Threads, "threads", 1, "goroutines that do the same at once")
	rounds := flag.Int("rounds", 3, "runs of each workload; the median counts")
	only := flag.String("engines", "varve,varve-relaxed,goleveldb,pebble", "the engines to run")
	workloads := flag.String("workloads", "", "the workloads to run; empty: all")
	dir := flag.String("dir", os.TempDir(), "where to put the stores")
	profile := flag.String("cpuprofile", "", "where to write a CPU profile")
	flag.Parse()
	if *profile != "" {
		stop, err := startProfile(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "engines:", err)
			os.Exit(1)
		}
		defer stop()
	}
	if err := run(c, *rounds, strings.Split(*only, ","), *workloads, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		os.Exit(1)
	}
}

func startProfile(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close()
	}, nil
}

func run(c dbbench.Config, rounds int, names []string, only, dir string) error {
	dir, err := os.MkdirTemp(dir, "varve-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	samples := map[string]map[string][]float64{}
	for round := range rounds {
		for _, w := range dbbench.Workloads() {
			if only != "" && !slices.Contains(strings.Split(only, ","), w.Name) {
				continue
			}
			if samples[w.Name] == nil {
				samples[w.Name] = map[string][]float64{}
			}
			for _, name := range names {
				path := filepath.Join(dir, fmt.Sprintf("%s-%s-%d", w.Name, name, round))
				micros, err := measure(w, engines[name], path, c)
				if err != nil {
					return fmt.Errorf("%s on %s: %w", w.Name, name, err)
				}
				samples[w.Name][name] = append(samples[w.Name][name], micros)
			}
		}
	}
	print(samples, names)
	return nil
}

// measure returns the microseconds that one of the workload's operations takes.
func measure(w dbbench.Workload, open func(dir string) (store, error), path string, c dbbench.Config) (micros float64, err error) {
	s, err := open(path)
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(path)
	defer s.close()
	if err := w.Prepare(s, c); err != nil {
		return 0, err
	}
	r, err := w.Run(s, c)
	return r.MicrosPerOp(), err
}

func print(samples map[string]map[string][]float64, names []string) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "µs/op\t%s\t", strings.Join(names, "\t"))
	for _, peer := range names[1:] {
		fmt.Fprintf(out, "%s/%s\t", peer, names[0])
	}
	fmt.Fprintln(out)
	for _, w := range dbbench.Workloads() {
		if samples[w.Name] == nil {
			continue
		}
		fmt.Fprintf(out, "%s\t", w.Name)
		var medians []float64
		for _, name := range names {
			s := samples[w.Name][name]
			slices.Sort(s)
			medians = append(medians, s[len(s)/2])
			fmt.Fprintf(out, "%.3f\t", medians[len(medians)-1])
		}
		for _, m := range medians[1:] {
			fmt.Fprintf(out, "%.2fx\t", m/medians[0])
		}
		fmt.Fprintln(out)
	}
	out.Flush()
}
