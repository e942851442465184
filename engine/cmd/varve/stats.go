package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"strconv"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
)

func statsCommand() command {
	return command{
		name:    "stats",
		args:    "DIR",
		summary: "print the store's levels, files and sizes",
		details: `
Sizes are in bytes. The memtable holds what is in logs and not yet in tables. On disk are all
files: tables, logs and manifests.`,
		minArgs: 1, maxArgs: 1,
		setup: func(*flag.FlagSet) action {
			return stats
		},
	}
}

func stats(env *environment, args []string) error {
	return withStore(args[0], func(s store) error {
		files, err := s.fs.List()
		if err != nil {
			return err
		}
		return printStats(env.out, s.Metrics(), files)
	})
}

func printStats(out io.Writer, m engine.Metrics, disk []vfs.FileInfo) error {
	var b bytes.Buffer
	row := func(name string, count int, bytes int64) {
		fmt.Fprintf(&b, "%-8s %6d %14d", name, count, bytes)
	}
	fmt.Fprintf(&b, "%-8s %6s %14s  %s\n", "level", "files", "bytes", "keys")
	for i, level := range m.Levels {
		if level.Files > 0 {
			row(strconv.Itoa(i), level.Files, level.Bytes)
			fmt.Fprintf(&b, "  %s to %s\n", abbreviate(level.Smallest), abbreviate(level.Largest))
		}
	}
	files, bytes := tableTotals(m)
	row("tables", files, bytes)
	b.WriteByte('\n')
	row("memtable", m.Memtables, m.MemtableBytes)
	b.WriteByte('\n')
	row("on disk", len(disk), totalSize(disk))
	b.WriteByte('\n')
	_, err := b.WriteTo(out)
	return err
}

func totalSize(files []vfs.FileInfo) (sum int64) {
	for _, f := range files {
		sum += f.Size
	}
	return sum
}

// abbreviate quotes a key, and cuts a long one.
func abbreviate(key []byte) string {
	const longest = 24
	if len(key) > longest {
		return strconv.Quote(string(key[:longest])) + "..."
	}
	return strconv.Quote(string(key))
}
