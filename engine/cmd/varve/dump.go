package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/varvedb/varve/engine/cmd/varve/internal/dump"
	"github.com/varvedb/varve/engine/internal/base"
)

func dumpCommand() command {
	return command{
		name:    "dump",
		args:    "FILE [--entries] [--values]",
		summary: "print what a log, table or manifest holds",
		details: `
FILE is one of a store's files, or a copy of one: its kind is known by its name, or else by its
content. It is only read, and the store may be open. A line begins with the offset in the file of
what it describes. Damage is printed in its place, and the dump goes on behind it; the exit status
is 4 then.`,
		minArgs: 1, maxArgs: 1,
		setup: func(flags *flag.FlagSet) action {
			var o dump.Options
			flags.BoolVar(&o.Entries, "entries", false, "print the entries of a table, too")
			flags.BoolVar(&o.Values, "values", false, "print entries with their values, not the lengths alone")
			return func(env *environment, args []string) error { return dumpFile(env, args[0], o) }
		},
	}
}

func dumpFile(env *environment, path string, o dump.Options) (err error) {
	file, err := openFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	damaged, err := dump.File(env.out, file, path, o)
	switch {
	case errors.Is(err, dump.ErrUnknown):
		return fmt.Errorf("%s is %w", path, err)
	case err != nil:
		return err
	case damaged > 0:
		return damageError(fmt.Sprintf("%s is damaged in %s", path, base.Plural(int64(damaged), "place")))
	}
	return nil
}

// storeFile is a file outside any vfs.FS, as a vfs.Reader.
type storeFile struct {
	*os.File
	size int64
}

func (f storeFile) Size() int64 { return f.size }

func openFile(path string) (storeFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return storeFile{}, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file; name one of the files in a store's directory", path)
	}
	if err != nil {
		return storeFile{}, errors.Join(err, file.Close())
	}
	return storeFile{file, info.Size()}, nil
}
