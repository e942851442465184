package main

import (
	"os"
	"path/filepath"
	"testing"
)

// flipByte damages the one file in dir that pattern matches, and returns its name.
func flipByte(t *testing.T, dir, pattern string, offset int) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("files %s: %q, %v", pattern, paths, err)
	}
	content, err := os.ReadFile(paths[0])
	check(t, err)
	content[offset] ^= 0xff
	check(t, os.WriteFile(paths[0], content, 0o644))
	return filepath.Base(paths[0])
}
