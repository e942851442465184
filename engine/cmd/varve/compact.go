package main

import (
	"flag"
	"fmt"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/internal/base"
)

func compactCommand() command {
	return command{
		name:    "compact",
		args:    "DIR [--from K] [--to K]",
		summary: "merge tables, and drop what is deleted or overwritten",
		minArgs: 1, maxArgs: 1,
		setup: func(flags *flag.FlagSet) action {
			var r keyRange
			r.declare(flags)
			return func(env *environment, args []string) error { return compact(env, args[0], r) }
		},
	}
}

func compact(env *environment, dir string, r keyRange) error {
	lower, upper, err := r.bounds()
	if err != nil {
		return err
	}
	return withStore(dir, func(s store) error {
		if err := s.Flush(); err != nil {
			return err
		}
		filesBefore, bytesBefore := tableTotals(s.Metrics())
		if err := s.Compact(lower, upper); err != nil {
			return err
		}
		files, bytes := tableTotals(s.Metrics())
		_, err := fmt.Fprintf(env.out, "before: %s, %s\nafter: %s, %s\n",
			base.Plural(int64(filesBefore), "table"), base.Plural(bytesBefore, "byte"), base.Plural(int64(files), "table"), base.Plural(bytes, "byte"))
		return err
	})
}

func tableTotals(m engine.Metrics) (files int, bytes int64) {
	for _, level := range m.Levels {
		files += level.Files
		bytes += level.Bytes
	}
	return files, bytes
}
