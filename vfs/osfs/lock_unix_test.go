//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package osfs

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/varvedb/varve/vfs"
)

const posixLockFile = "VARVE_TEST_POSIX_LOCK_FILE"

// LevelDB in C++ locks by fcntl. The test is its own other process, which does so.
func TestLockExcludesProgramsThatLockByFcntl(t *testing.T) {
	if path := os.Getenv(posixLockFile); path != "" {
		holdPOSIX(t, path)
		return
	}
	fs := newFS(t)
	held, end := lockPOSIXElsewhere(t, fs)
	if !held {
		t.Fatal("nobody holds the lock, but another process can't take it")
	}
	if _, err := fs.Lock(); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("lock that another process holds by fcntl: %v", err)
	}
	end()

	fs = newFS(t)
	lock, err := fs.Lock()
	ok(t, err)
	// Closing a handle of the file would end a lock of the process.
	ok(t, written(t, fs, "000001.log", "x").Sync(vfs.Strict))
	if held, end = lockPOSIXElsewhere(t, fs); held {
		t.Error("another process took the lock by fcntl")
	}
	end()
	ok(t, lock.Close())
	if held, end = lockPOSIXElsewhere(t, fs); !held {
		t.Error("another process can't take a lock that was released")
	}
	end()
}

// holdPOSIX locks a file by fcntl, says + if it could, - if another has it, and waits for the end of
// the input.
func holdPOSIX(t *testing.T, path string) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	ok(t, err)
	answer := "+"
	err = syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK})
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
		answer, err = "-", nil
	}
	ok(t, err)
	_, err = os.Stdout.WriteString(answer)
	ok(t, err)
	_, err = io.Copy(io.Discard, os.Stdin)
	ok(t, err, file.Close())
}

// lockPOSIXElsewhere starts another process that locks the directory by fcntl. It returns whether that
// holds the lock, and what ends it.
func lockPOSIXElsewhere(t *testing.T, fs *FS) (held bool, end func()) {
	t.Helper()
	other := exec.Command(os.Args[0], "-test.run=^TestLockExcludesProgramsThatLockByFcntl$")
	other.Env = append(os.Environ(), posixLockFile+"="+filepath.Join(fs.dir, lockName))
	input, err := other.StdinPipe()
	ok(t, err)
	output, err := other.StdoutPipe()
	ok(t, err, other.Start())
	end = func() {
		t.Helper()
		_ = input.Close()
		rest, err := io.ReadAll(output)
		if err := errors.Join(err, other.Wait()); err != nil {
			t.Fatalf("other process: %v\n%s", err, rest)
		}
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(output, answer); err != nil || !strings.Contains("+-", string(answer)) {
		end()
		t.Fatalf("other process said %q, %v", answer, err)
	}
	return answer[0] == '+', end
}
