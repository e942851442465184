// Command slim makes a Go program for WebAssembly smaller to send: a third of a compressed module
// is saved. A crash still prints its message and the names of the program's own functions, but no
// files, lines, arguments and inlined calls, and of the standard library only the packages.
//
//	slim module.wasm    rewrites the file; once more changes nothing
//
// What is read only to print stacks goes. It stands in the program's data, as package runtime's
// symtab.go has it (tables.go). And the data becomes one segment: Go's linker leaves out every run
// of eight zeros, which makes tens of thousands of segments, whose addresses compress badly.
//
// The code is made alike, for what repeats costs nothing. A call of Go's compiler tells where it
// stands in its function, and in which one, so that no two are equal (calls.go); jumps take a
// detour by a table that counts them (jumps.go); and the same place is counted again in the tables
// of stack maps (renumber.go). Some code is also shorter (peephole.go). It is no slower. What the
// runtime has for tracing is empty in a program that can't trace (tracer.go).
//
//  1. Nothing moves in memory: what isn't needed becomes zeros, which are left to the compression.
//  2. What the runtime reads for other ends than printing stays: stack maps, and the names and
//     inlined calls of functions that it treats specially (names.go). Their basic blocks, and those
//     of what is not compiled Go, keep their numbers.
//  3. Code does what it did. It relies on what the compiler does: a call that unreachable follows
//     doesn't return, and nothing is read beyond the memory.
//  4. A module of another version of Go (version.go) and data that doesn't look as described are
//     refused, and the file is not touched; a function that doesn't is left as it is.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: slim module.wasm")
		os.Exit(2)
	}
	if err := slimFile(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "slim:", err)
		os.Exit(1)
	}
}

func slimFile(name string) error {
	module, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	slimmed, err := slim(module)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, slimmed, 0o666)
}

// slim returns the module without what it can do without, and doesn't change its argument.
func slim(module []byte) ([]byte, error) {
	m, err := parseModule(module)
	if err != nil {
		return nil, err
	}
	if err := m.checkVersion(); err != nil {
		return nil, err
	}
	t, err := findTables(m.memory)
	if err != nil {
		return nil, err
	}
	if err := m.emptyTracer(t); err != nil {
		return nil, err
	}
	if err := t.strip(); err != nil {
		return nil, err
	}
	if err := m.rewriteCode(t); err != nil {
		return nil, err
	}
	t.coarsenBuckets()
	return m.encode(), nil
}
