//go:build !js

package osfs_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/varvedb/varve/vfs"
)

const lockedDirectory = "VARVE_TEST_LOCKED_DIRECTORY"

// The test is its own other process.
func TestLockExcludesOtherProcesses(t *testing.T) {
	if dir := os.Getenv(lockedDirectory); dir != "" {
		if _, err := create(t, dir).Lock(); !errors.Is(err, vfs.ErrLocked) {
			t.Errorf("lock that another process holds: %v", err)
		}
		return
	}
	dir := t.TempDir()
	lock, err := create(t, dir).Lock()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command(os.Args[0], "-test.run=^TestLockExcludesOtherProcesses$")
	other.Env = append(os.Environ(), lockedDirectory+"="+dir)
	if output, err := other.CombinedOutput(); err != nil {
		t.Errorf("other process: %v\n%s", err, output)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
}
