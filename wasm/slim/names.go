package main

import (
	"bytes"
	"strings"
)

// nameTable shortens the names of the standard library's functions to their package and a dot,
// which is what tells the runtime its own functions from others. Special functions keep theirs.
type nameTable struct {
	table    []byte
	used     []bool
	packages map[string]uint32 // where the short names are
}

func newNames(table []byte) *nameTable {
	return &nameTable{table, make([]bool, len(table)), map[string]uint32{}}
}

// strip gives a record its short name, if it gets one, and marks its name's bytes.
func (n *nameTable) strip(r record) error {
	at := order.Uint32(r[nameAt:])
	name, err := n.name(at)
	if err != nil {
		return err
	}
	if short, ok := shorten(name); ok && !r.special() {
		if _, ok := n.packages[short]; !ok {
			n.packages[short] = at
		}
		at, name = n.packages[short], short
		order.PutUint32(r[nameAt:], at)
	}
	n.use(at, name)
	return nil
}

// useInlined marks the names of calls that were inlined.
func (n *nameTable) useInlined(calls []byte) error {
	for ; len(calls) >= inlinedCallLen; calls = calls[inlinedCallLen:] {
		at := order.Uint32(calls[4:])
		name, err := n.name(at)
		if err != nil {
			return err
		}
		n.use(at, name)
	}
	return nil
}

func (n *nameTable) name(at uint32) (string, error) {
	if int(at) >= len(n.table) {
		return "", errMalformed
	}
	name, _, ok := bytes.Cut(n.table[at:], []byte{0})
	if !ok {
		return "", errMalformed
	}
	return string(name), nil
}

func (n *nameTable) use(at uint32, name string) {
	for i := range len(name) { // bytes, not letters
		n.used[int(at)+i] = true
	}
}

func (n *nameTable) clearUnused() { clearUnused(n.table, n.used) }

// shorten returns the package of a function and a dot. It is not ok for the program's own
// functions: those of package main, and of paths that begin with a host's name.
func shorten(name string) (short string, ok bool) {
	path := name
	if i := strings.IndexAny(path, "[("); i >= 0 {
		path = path[:i]
	}
	slash := strings.LastIndexByte(path, '/')
	dot := strings.IndexByte(path[slash+1:], '.')
	if dot < 0 {
		return "", false
	}
	path = path[:slash+1+dot]
	host, _, deep := strings.Cut(path, "/")
	if path == "main" || deep && strings.Contains(host, ".") {
		return "", false
	}
	return path + ".", true
}
