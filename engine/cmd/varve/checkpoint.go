package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs/osfs"
)

func checkpointCommand() command {
	return command{
		name:    "checkpoint",
		args:    "DIR DEST",
		summary: "copy the store into another directory",
		details: `
DEST must be missing or empty. Until the copy is complete it does not open as a store.`,
		minArgs: 2, maxArgs: 2,
		setup: func(*flag.FlagSet) action {
			return checkpoint
		},
	}
}

func checkpoint(env *environment, args []string) error {
	dir, dest := args[0], args[1]
	return withStore(dir, func(s store) (err error) {
		if err := checkEmpty(dest); err != nil {
			return err
		}
		fs, err := osfs.Create(dest)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, fs.Close()) }()
		if err := s.Checkpoint(fs); err != nil {
			return fmt.Errorf("%s: %w", dest, err)
		}
		files, err := fs.List()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.out, "copied: %s, %s\n", base.Plural(int64(len(files)), "file"), base.Plural(totalSize(files), "byte"))
		return err
	})
}
