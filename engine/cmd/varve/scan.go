package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/varvedb/varve/engine"
)

// scanOptions are scan's flags.
type scanOptions struct {
	keyRange
	prefix  string
	reverse bool
	keys    bool
	limit   int
}

func scanCommand() command {
	return command{
		name:    "scan",
		args:    "DIR [FLAGS]",
		summary: "print entries in the order of their keys",
		details: `
An entry is seen if it is within all bounds that are given.
` + lineFormat + `
'varve import' reads what scan prints.`,
		minArgs: 1, maxArgs: 1,
		setup: func(flags *flag.FlagSet) action {
			var o scanOptions
			o.keyRange.declare(flags)
			flags.StringVar(&o.prefix, "prefix", "", "see only keys that begin with `P`")
			flags.BoolVar(&o.reverse, "reverse", false, "begin with the last key")
			flags.BoolVar(&o.keys, "keys", false, "print keys alone, without tab and value")
			flags.IntVar(&o.limit, "limit", -1, "print at most `N` entries")
			return func(env *environment, args []string) error { return scan(env, args[0], o) }
		},
	}
}

func scan(env *environment, dir string, o scanOptions) error {
	bounds, err := o.bounds()
	if err != nil {
		return err
	}
	return withStore(dir, func(s store) (err error) {
		it, err := s.NewIterator(bounds)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, it.Close()) }()
		out := bufio.NewWriterSize(env.out, 64<<10)
		if err := printEntries(out, it, o); err != nil {
			return err
		}
		return out.Flush()
	})
}

func printEntries(out io.Writer, it *engine.Iterator, o scanOptions) error {
	first, next := it.First, it.Next
	if o.reverse {
		first, next = it.Last, it.Prev
	}
	if o.limit == 0 {
		return nil
	}
	var line []byte
	printed := 0
	for more := first(); more; more = next() {
		if o.keys {
			line = append(appendEscaped(line[:0], it.Key()), '\n')
		} else {
			line = appendLine(line[:0], it.Key(), it.Value())
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
		if printed++; printed == o.limit {
			return nil
		}
	}
	return it.Error()
}

// bounds is where prefix and range meet.
func (o scanOptions) bounds() (engine.IterOptions, error) {
	if o.limit < -1 {
		return engine.IterOptions{}, &usageError{reason: fmt.Sprintf("--limit can't be %d", o.limit)}
	}
	lower, upper, err := o.keyRange.bounds()
	if err != nil {
		return engine.IterOptions{}, err
	}
	if o.prefix != "" {
		from, to := engine.PrefixBounds([]byte(o.prefix))
		if bytes.Compare(from, lower) > 0 {
			lower = from
		}
		if upper == nil || to != nil && bytes.Compare(to, upper) < 0 {
			upper = to
		}
		if upper != nil && bytes.Compare(lower, upper) > 0 {
			lower = upper
		}
	}
	return engine.IterOptions{Lower: lower, Upper: upper, NoCacheFill: true}, nil
}
