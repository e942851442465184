package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/varvedb/varve/engine"
)

func getCommand() command {
	return command{
		name:    "get",
		args:    "DIR KEY [--raw]",
		summary: "print the value under KEY",
		details: `
The value is printed byte for byte, with a newline behind it. The exit status is 1 if there is
none, and more if that is not known.`,
		minArgs: 2, maxArgs: 2,
		setup: func(flags *flag.FlagSet) action {
			raw := flags.Bool("raw", false, "print no newline behind the value")
			return func(env *environment, args []string) error { return get(env, args[0], args[1], *raw) }
		},
	}
}

func get(env *environment, dir, key string, raw bool) error {
	found := false
	err := withStore(dir, func(s store) error {
		value, err := s.Get(nil, []byte(key))
		if errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		if !raw {
			value = append(value, '\n')
		}
		_, err = env.out.Write(value)
		return err
	})
	if err == nil && !found {
		return fmt.Errorf("%w under %q", errAbsent, key)
	}
	return err
}
