package main

import (
	"errors"
	"flag"
	"io"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs/osfs"
)

func repairCommand() command {
	return command{
		name:    "repair",
		args:    "DIR",
		summary: "make a damaged store one that opens, with what can be read",
		details: `
A store without damage is not touched. Else it is rebuilt from the tables and logs that can be
read, and the report says what was wrong, which keys may be missing, and how many records were kept
and rebuilt: records are what verify counts, deletions among them. Files of which something could
not be read are kept, with ".damaged" behind their names; 'varve dump' shows what is in them. The
exit status is 0 if the store opens again, whatever was lost.`,
		minArgs: 1, maxArgs: 1,
		setup: func(*flag.FlagSet) action {
			return repair
		},
	}
}

func repair(env *environment, args []string) (err error) {
	dir := args[0]
	if err := checkStore(dir); err != nil && !errors.Is(err, errHeadless) {
		return err
	}
	fs, err := osfs.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fs.Close()) }()
	report, err := engine.Repair(fs, nil)
	if err != nil {
		return openError(dir, err)
	}
	_, err = io.WriteString(env.out, report.String())
	return err
}
