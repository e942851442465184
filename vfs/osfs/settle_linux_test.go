package osfs

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// bindByPermissions makes permissions bind root, too, until the test ends: its thread ends with it.
func bindByPermissions(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	ok(t, unix.Capget(&header, &data[0]))
	data[0].Effective &^= 1 << unix.CAP_DAC_OVERRIDE
	ok(t, unix.Capset(&header, &data[0]))
}

// Where users take turns, the one before has left files that the present one may only read.
func TestInheritedFileThatMayOnlyBeReadIsSettled(t *testing.T) {
	bindByPermissions(t)
	fs := newFS(t)
	ok(t, written(t, fs, "000001.log", "x").Close())
	path := filepath.Join(fs.dir, "000001.log")
	ok(t, os.Chmod(path, 0o444))
	if file, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
		t.Fatal("the file may be written", file.Close())
	}
	ok(t, fs.settleInherited(fs.system.reopen))
	failing := func(path string) (handle, error) {
		h, err := fs.system.reopen(path)
		return &lossyHandle{handle: h, failing: true}, err
	}
	if fs.settleInherited(failing) == nil {
		t.Error("settled without an fsync of 000001.log")
	}
}
