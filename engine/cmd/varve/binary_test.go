//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestProgram runs the real program: what only a process has is its exit status, its
// standard streams, and a lock that excludes other processes.
func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "varve")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	dir := filepath.Join(t.TempDir(), "store")
	t.Run("exit statuses", func(t *testing.T) { testExitStatuses(t, program, dir) })
	t.Run("pipes", func(t *testing.T) { testPipes(t, program, dir) })
	t.Run("no right to write", func(t *testing.T) { testNoRightToWrite(t, program, dir) })
	t.Run("lock", func(t *testing.T) { testLock(t, program, dir) })
}

func testExitStatuses(t *testing.T, program, dir string) {
	for _, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"put", dir, "k", "v"}, 0},
		{[]string{"get", dir, "k"}, 0},
		{[]string{"get", dir, "absent"}, 1},
		{[]string{"get", filepath.Join(dir, "missing"), "k"}, 3},
		{[]string{"get", dir}, 2},
		{[]string{"nonsense"}, 2},
		{nil, 2},
		{[]string{"help"}, 0},
	} {
		cmd := exec.Command(program, c.args...)
		var errs strings.Builder
		cmd.Stderr = &errs
		_ = cmd.Run() // the status says it
		if got := cmd.ProcessState.ExitCode(); got != c.status {
			t.Errorf("%q: status %d, want %d: %s", c.args, got, c.status, &errs)
		}
		if said := errs.Len() > 0; said != (c.status != 0) {
			t.Errorf("%q: status %d and message %q", c.args, c.status, &errs)
		}
	}
}

// testPipes imports from a pipe and scans into one whose reader leaves early.
func testPipes(t *testing.T, program, dir string) {
	var lines strings.Builder
	for i := range 20_000 {
		lines.Write(appendLine(nil, []byte{'p', byte(i >> 8), byte(i)}, []byte("a value of some length")))
	}
	load := exec.Command(program, "import", dir, "-")
	load.Stdin = strings.NewReader(lines.String())
	output, err := load.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(output), "20000 lines stored in ") || strings.Contains(string(output), "\r") {
		t.Fatalf("import: %v, %q", err, output)
	}

	scan := exec.Command(program, "scan", dir)
	var errs strings.Builder
	scan.Stderr = &errs
	out, err := scan.StdoutPipe()
	check(t, err)
	check(t, scan.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "k\tv\n" {
		t.Errorf("first line %q, %v", line, err)
	}
	check(t, out.Close())
	_ = scan.Wait() // ends by SIGPIPE, which is the shell's affair
	if errs.Len() > 0 {
		t.Errorf("scan into a closed pipe says %q", &errs)
	}
}

// testLock has one process hold the store while another asks for it.
func testLock(t *testing.T, program, dir string) {
	holder := exec.Command(program, "import", dir, "-")
	in, err := holder.StdinPipe()
	check(t, err)
	check(t, holder.Start())
	// The store is opened behind the first line: it is when most of the second has been taken.
	filler := appendLine(nil, []byte("filler"), make([]byte, 4<<20))
	_, err = in.Write(append(filler, filler...))
	check(t, err)

	output, err := exec.Command(program, "get", dir, "k").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(string(output), dir+" is locked") {
		t.Errorf("get from a store that another process has open: %v, %q", err, output)
	}
	_, err = io.WriteString(in, "late\tarrival\n")
	check(t, err)
	check(t, in.Close())
	check(t, holder.Wait())
	if output, err := exec.Command(program, "get", dir, "late").CombinedOutput(); err != nil || string(output) != "arrival\n" {
		t.Errorf("get after the other process has ended: %v, %q", err, output)
	}
}

// testNoRightToWrite has another user read the store: to root all is allowed.
func testNoRightToWrite(t *testing.T, program, dir string) {
	var credential *syscall.Credential
	if os.Getuid() == 0 {
		credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		for _, above := range []string{filepath.Dir(program), filepath.Dir(filepath.Dir(program)), filepath.Dir(dir)} {
			check(t, os.Chmod(above, 0o755))
		}
	}
	lock := filepath.Join(dir, "LOCK")
	check(t, os.Chmod(dir, 0o555))
	check(t, os.Chmod(lock, 0o444))
	defer func() {
		check(t, os.Chmod(dir, 0o755))
		check(t, os.Chmod(lock, 0o644))
	}()
	for _, args := range [][]string{{"get", dir, "k"}, {"scan", dir}, {"verify", dir}, {"stats", dir}, {"repair", dir}} {
		cmd := exec.Command(program, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
		output, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) && credential != nil {
			t.Skipf("another user can't run the program: %v", err)
		}
		if exit == nil || exit.ExitCode() != 3 || !strings.Contains(string(output), "has to be writable, even to be read") {
			t.Errorf("%q without the right to write: %v, %q", args, err, output)
		}
	}
}

func TestTerminalIsToldFromFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	check(t, err)
	defer f.Close()
	if isTerminal(f) {
		t.Error("a file is taken for a terminal")
	}
}
