package main

import (
	"flag"
	"fmt"
)

func verifyCommand() command {
	return command{
		name:    "verify",
		args:    "DIR",
		summary: "read everything and check it",
		details: `
Manifest and logs are checked while the store is opened, then every table: checksums, the order
of the keys, filters, and what the manifest says of it. The first damage is named.`,
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
		_, err = fmt.Fprintf(env.out, "ok: %s, %s, %s\n",
			plural(int64(report.Tables), "table"), plural(report.Bytes, "byte"), plural(report.Entries, "record"))
		return err
	})
}
