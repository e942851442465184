package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

func helpCommand() command {
	return command{
		name:    "help",
		args:    "[COMMAND]",
		summary: "explain varve or one of its commands",
		maxArgs: 1,
		setup: func(*flag.FlagSet) action {
			return help
		},
	}
}

func help(env *environment, args []string) error {
	text := overview()
	if len(args) == 1 {
		c, found := findCommand(args[0])
		if !found {
			return unknownCommand(args[0])
		}
		text = c.help()
	}
	_, err := io.WriteString(env.out, text)
	return err
}

// overview is the help on varve as a whole.
func overview() string {
	var b strings.Builder
	b.WriteString("varve reads and writes varve and LevelDB stores in directories.\n\n")
	b.WriteString("usage: varve COMMAND DIR [ARGUMENTS] [FLAGS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.summary)
	}
	b.WriteString("\nRun 'varve help COMMAND' for a command's arguments and flags.\n\n")
	b.WriteString(statusHelp)
	return b.String()
}

// help is the help on one command.
func (c command) help() string {
	var b strings.Builder
	b.WriteString(c.usage())
	fmt.Fprintf(&b, "\n%s.\n", strings.ToUpper(c.summary[:1])+c.summary[1:])
	if c.details != "" {
		b.WriteString("\n" + strings.TrimSpace(c.details) + "\n")
	}
	flags, _ := c.prepare()
	first := true
	flags.VisitAll(func(f *flag.Flag) {
		if first {
			b.WriteString("\n")
			first = false
		}
		argument, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  %-16s %s\n", strings.TrimRight("--"+f.Name+" "+argument, " "), usage)
	})
	return b.String()
}
