package osfs

import (
	"os"
	"strings"
	"testing"
)

// Programs in Node take the same name: here it can be seen that the kernel has it.
func TestLockClaimsTheDirectorysName(t *testing.T) {
	fs := newFS(t)
	name, err := nameOf(fs.dir)
	ok(t, err)
	claims := func() int {
		sockets, err := os.ReadFile("/proc/net/unix")
		ok(t, err)
		return strings.Count(string(sockets), "@"+name+"\n")
	}
	lock, err := fs.Lock()
	ok(t, err)
	if n := claims(); n != 1 {
		t.Errorf("%d sockets have the directory's name", n)
	}
	ok(t, lock.Close())
	if n := claims(); n != 0 {
		t.Errorf("%d sockets have the directory's name after the release", n)
	}
}
