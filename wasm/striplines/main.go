// Command striplines makes a Go program for WebAssembly smaller to send: it empties the tables
// that tell file and line of each instruction. They are read only to print the stack of a crash,
// which still names the functions. A tenth of a compressed module is saved.
//
//	striplines module.wasm    rewrites the file; once more changes nothing
//
// The tables stand in the program's data, in the form of package runtime's symtab.go:
//
//		header    u32 magic | u8 zero, zero, quantum, pointer size | u64 functions, files, text start
//		          u64 offsets from the header: names, units, file names, pc tables, functions
//		          functions: pairs of u32, entry and offset of the record from the start of the pairs
//		record    u32 entry, name, args, deferreturn, pcsp, pcfile, pcln, npcdata, unit, start line
//		          u8 id, flags, zero, nfuncdata | npcdata u32s | nfuncdata u32s
//		pc table  pairs of varints, ended by a zero in place of a first one but the very first
//
//	 1. A record's offset of a pc table is zero where there is no table: the runtime then prints "?".
//	 2. Records share pc tables. Only bytes that no table in use covers are emptied.
//	 3. Nothing moves and the length stays: zeros are left to the compression.
//	 4. What doesn't look as described is refused, and the file is not touched.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: striplines module.wasm")
		os.Exit(2)
	}
	if err := stripFile(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "striplines:", err)
		os.Exit(1)
	}
}

func stripFile(name string) error {
	module, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := strip(module); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, module, 0o666)
}

// strip empties the line tables of a module, or fails and leaves it as it is.
func strip(module []byte) error {
	memory, err := readMemory(module)
	if err != nil {
		return err
	}
	tables, err := findTables(memory.bytes)
	if err != nil {
		return err
	}
	if err := tables.strip(); err != nil {
		return err
	}
	memory.writeBack(module)
	return nil
}
