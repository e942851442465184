package vfs_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestCheckNameAllowsPlainNamesOnly(t *testing.T) {
	for _, name := range []string{"CURRENT", "MANIFEST-000001", "000001.ldb", ".hidden", "...", "a b", "å"} {
		if err := vfs.CheckName(name); err != nil {
			t.Errorf("CheckName(%q): %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "/", "a/b", "/a", "a/", "../a", `\`, `a\b`, "\x00", "a\x00b"} {
		if err := vfs.CheckName(name); !errors.Is(err, vfs.ErrName) {
			t.Errorf("CheckName(%q): %v, want one that wraps %q", name, err, vfs.ErrName)
		}
	}
}

func TestNoSpaceErrorIsErrNoSpaceWithFigures(t *testing.T) {
	for _, c := range []struct {
		err  vfs.NoSpaceError
		want string
	}{
		{vfs.NoSpaceError{Wanted: 100, Available: 7}, "no space left: 100 bytes wanted, 7 available"},
		{vfs.NoSpaceError{Wanted: 100, Available: -1}, "no space left: 100 bytes wanted"},
		{vfs.NoSpaceError{Available: -1}, "no space left"},
	} {
		err := fmt.Errorf("write 000001.log: %w", &c.err)
		if !errors.Is(err, vfs.ErrNoSpace) || errors.Is(err, vfs.ErrIO) {
			t.Errorf("%+v: must be ErrNoSpace and no other", c.err)
		}
		var figures *vfs.NoSpaceError
		if !errors.As(err, &figures) || *figures != c.err {
			t.Errorf("%+v: got figures %+v", c.err, figures)
		}
		if c.err.Error() != c.want {
			t.Errorf("text is %q, want %q", c.err.Error(), c.want)
		}
	}
}
