package main

import (
	"errors"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

// The exit statuses, by which a script tells why a command ended.
const (
	exitOK      = 0
	exitAbsent  = 1 // as with grep: all went well, and the answer is no
	exitUsage   = 2
	exitFailure = 3
	exitDamage  = 4
)

// statusHelp explains the exit statuses in the overview of the commands.
const statusHelp = `The exit status is
  0  for success,
  1  if get finds no value under the key,
  2  for a command line that can't be understood,
  3  for a failure: there is no store, another program has it open, no space is left, ...
  4  for damage: stored bytes are not what was written, or a file is missing.
`

// errAbsent is wrapped by the error on a key without a value.
var errAbsent = errors.New("no value is stored")

// damageError is damage that is no error of the engine.
type damageError string

func (e damageError) Error() string { return string(e) }

// statusOf returns the exit status that says how a command ended.
func statusOf(err error) int {
	var usage *usageError
	var damage damageError
	var corruption *engine.CorruptionError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, errAbsent):
		return exitAbsent
	case errors.As(err, &damage), errors.As(err, &corruption), errors.Is(err, vfs.ErrDamaged), errors.Is(err, errHeadless):
		return exitDamage
	}
	return exitFailure
}
