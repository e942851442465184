package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// command is one of varve's commands.
type command struct {
	name    string
	args    string // the usage line's part behind the name
	summary string // one line
	details string // paragraphs, for the command's own help

	minArgs, maxArgs int // of positional arguments; maxArgs below 0: any number

	// setup declares the flags and returns what carries the command out once they are parsed.
	setup func(flags *flag.FlagSet) action
}

// action carries a command out on its positional arguments.
type action func(env *environment, args []string) error

// commands returns every command, in the order in which help lists them.
func commands() []command {
	return []command{
		putCommand(), getCommand(), delCommand(), scanCommand(), importCommand(),
		statsCommand(), verifyCommand(), compactCommand(),
		checkpointCommand(), repairCommand(), dumpCommand(), benchCommand(),
		helpCommand(), versionCommand(),
	}
}

func findCommand(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func (c command) run(env *environment, args []string) error {
	flags, act := c.prepare()
	positional, err := parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(env.out, c.help())
		return err
	}
	if err != nil {
		return c.usageError(flagMessage(err))
	}
	switch {
	case len(positional) < c.minArgs:
		return c.usageError("too few arguments")
	case c.maxArgs >= 0 && len(positional) > c.maxArgs:
		return c.usageError(fmt.Sprintf("unexpected argument %q", positional[c.maxArgs]))
	}
	err = act(env, positional)
	var usage *usageError
	if errors.As(err, &usage) && usage.hint == "" {
		return c.usageError(usage.reason)
	}
	return err
}

func (c command) prepare() (*flag.FlagSet, action) {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags, c.setup(flags)
}

// parse parses flags wherever they stand among the arguments. Those behind a "--" are
// positional, whatever they look like.
func parse(flags *flag.FlagSet, args []string) (positional []string, err error) {
	var literal []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, literal = args[:i], args[i+1:]
	}
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return append(positional, literal...), nil
		}
		positional = append(positional, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func (c command) usageError(reason string) error {
	return &usageError{
		reason: c.name + ": " + reason,
		hint:   c.usage() + "Run 'varve help " + c.name + "' for more.\n",
	}
}

func (c command) usage() string {
	return strings.TrimRight("usage: varve "+c.name+" "+c.args, " ") + "\n"
}
