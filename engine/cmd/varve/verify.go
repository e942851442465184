package main

import (
	"flag"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
)

func verifyCommand() command {
	return command{
		name:    "verify",
		args:    "DIR",
		summary: "read everything and check it",
		details: `
Manifest, logs and tables are read: their checksums, and of the tables also the order of the keys,
the filters, and what the manifest says of them. The first damage is named, and the exit status is 4 then;
'varve repair' saves what can be read.`,
		minArgs: 1, maxArgs: 1,
		setup: func(*flag.FlagSet) action {
			return verify
		},
	}
}

func verify(env *environment, args []string) error {
	return withStore(args[0], func(s store) error {
		report, err := s.Verify()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.out, "ok: %s and %s of %s; %s in tables\n",
			base.Plural(int64(report.Tables), "table"), base.Plural(int64(report.Logs), "log"), base.Plural(report.Bytes, "byte"), base.Plural(report.Entries, "record"))
		return err
	})
}
