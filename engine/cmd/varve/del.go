package main

import (
	"flag"

	"github.com/varvedb/varve/engine"
)

func delCommand() command {
	return command{
		name:    "del",
		args:    "DIR KEY...",
		summary: "delete keys",
		details: `
All keys are deleted, or none if it fails. It is no failure if a key is absent.`,
		minArgs: 2, maxArgs: -1,
		setup: func(*flag.FlagSet) action {
			return del
		},
	}
}

func del(_ *environment, args []string) error {
	return withStore(args[0], func(s store) error {
		var b engine.Batch
		for _, key := range args[1:] {
			if err := b.Delete([]byte(key)); err != nil {
				return err
			}
		}
		return s.Apply(&b, engine.Strict)
	})
}
