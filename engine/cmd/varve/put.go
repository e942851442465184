package main

import (
	"flag"

	"github.com/varvedb/varve/engine"
)

func putCommand() command {
	return command{
		name:    "put",
		args:    "DIR KEY VALUE",
		summary: "store VALUE under KEY",
		details: `
The store is made if DIR is missing or empty; the directories above it must be there. KEY and
VALUE are taken byte for byte; put "--" before one that begins with a dash. 'varve import' stores
what can't be an argument.`,
		minArgs: 3, maxArgs: 3,
		setup: func(*flag.FlagSet) action {
			return put
		},
	}
}

func put(_ *environment, args []string) error {
	var batch engine.Batch // checks the entry, lest a store be made for none
	if err := batch.Put([]byte(args[1]), []byte(args[2])); err != nil {
		return err
	}
	return withNewStore(args[0], func(s store) error {
		return s.Apply(&batch, engine.Strict)
	})
}
