package main

import (
	"flag"
	"fmt"
)

// keyRange is the pair of flags that bound a range of keys. An empty one bounds nothing.
type keyRange struct {
	from, to string
}

func (r *keyRange) declare(flags *flag.FlagSet) {
	flags.StringVar(&r.from, "from", "", "begin at key `K`")
	flags.StringVar(&r.to, "to", "", "end before key `K`")
}

// bounds returns the range for the engine, nil meaning no bound.
func (r keyRange) bounds() (lower, upper []byte, err error) {
	if r.from != "" {
		lower = []byte(r.from)
	}
	if r.to != "" {
		upper = []byte(r.to)
	}
	if r.to != "" && r.from > r.to {
		return nil, nil, &usageError{reason: fmt.Sprintf("the range ends at %q, before it begins at %q", r.to, r.from)}
	}
	return lower, upper, nil
}
