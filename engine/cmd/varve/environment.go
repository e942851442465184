package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/varvedb/varve/engine"
)

// environment is what a command has of the world, beside the file system.
type environment struct {
	in       io.Reader
	out, err io.Writer
	progress bool // err is a terminal: long work says how far it is
	now      func() time.Time
}

// run carries out one command line and returns its exit status.
func (env *environment) run(args []string) int {
	err := env.dispatch(args)
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintf(env.err, "varve: %s\n%s", usage.reason, usage.hint)
	case err != nil:
		fmt.Fprintf(env.err, "varve: %s\n", message(err))
	}
	return statusOf(err)
}

func (env *environment) dispatch(args []string) error {
	if len(args) == 0 {
		return &usageError{reason: "no command given", hint: overview()}
	}
	name, rest := args[0], args[1:]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	c, found := findCommand(name)
	if !found {
		return unknownCommand(name)
	}
	return c.run(env, rest)
}

// usageError is a command line that can't be understood.
type usageError struct {
	reason string
	hint   string // whole lines
}

func (e *usageError) Error() string { return e.reason }

func unknownCommand(name string) error {
	return &usageError{
		reason: fmt.Sprintf("unknown command %q", name),
		hint:   "Run 'varve help' for the list of commands.\n",
	}
}

// message is err's text without the name that the engine puts before its own errors: the
// caller prints it once.
func message(err error) string {
	var corruption *engine.CorruptionError
	text := err.Error()
	if errors.As(err, &corruption) {
		text = strings.Replace(text, corruption.Error(), strings.TrimPrefix(corruption.Error(), "varve: "), 1)
	}
	return strings.TrimPrefix(text, "varve: ")
}
