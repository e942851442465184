// Command varve reads and writes varve and LevelDB stores in directories.
//
// Each command is one file, which gives its usage, its flags and what it does. The
// rules that all of them keep:
//
//  1. What was asked for goes to standard output, everything else to standard error.
//  2. The exit status is the same for the same reason: see status.go.
//  3. Only put, import, checkpoint and bench make a store, and only in a directory that is
//     missing or empty. What is above that must be there. No command writes into a directory that
//     holds something else.
//  4. A command that writes returns when the write is on the medium.
//
// Commands share nothing and take their streams from the caller, so that tests run them
// in-process.
package main

import (
	"os"
	"time"
)

func main() {
	env := &environment{
		in:       os.Stdin,
		out:      os.Stdout,
		err:      os.Stderr,
		progress: isTerminal(os.Stderr),
		now:      time.Now,
	}
	os.Exit(env.run(os.Args[1:]))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
