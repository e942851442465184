package faultfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/faultfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/vfs/vfstest"
)

func TestConformanceWithoutFaults(t *testing.T) {
	vfstest.Run(t, func(t *testing.T) (vfs.FS, func() vfs.FS) {
		inner := memfs.New()
		fs := faultfs.New(inner, nil)
		return fs, func() vfs.FS {
			if err := fs.Close(); err != nil {
				t.Fatal(err)
			}
			inner = inner.Clone()
			fs = faultfs.New(inner, nil)
			return fs
		}
	})
}

// workload uses every operation once and returns the first error of each step.
func workload(fs vfs.FS) []error {
	held, err := fs.Lock()
	errs := []error{err}
	w, err := fs.Create("a")
	errs = append(errs, err)
	if w != nil {
		_, err = w.Write([]byte("0123456789"))
		errs = append(errs, err, w.Sync(vfs.Strict), w.Close())
	}
	errs = append(errs, fs.Rename("a", "b"))
	_, err = fs.List()
	errs = append(errs, err)
	r, err := fs.Open("b")
	errs = append(errs, err)
	if r != nil {
		_, err = r.ReadAt(make([]byte, 10), 0)
		errs = append(errs, err, r.Close())
	}
	errs = append(errs, fs.Remove("b"))
	if held != nil {
		errs = append(errs, held.Close())
	}
	return append(errs, fs.Close())
}

var workloadOps = []string{
	"lock", "create a", "write a: 10 bytes at 0", "sync a (strict)", "close writer a",
	"rename a to b", "list", "open b", "read b: 10 bytes at 0", "close reader b",
	"remove b", "unlock", "close file system",
}

func TestEveryOperationIsNumberedAndRecorded(t *testing.T) {
	fs := faultfs.New(memfs.New(), nil)
	var hooked []string
	fs.OnOp(func(n int, op faultfs.Op) { hooked = append(hooked, fmt.Sprint(n, " ", op)) })
	if err := errors.Join(workload(fs)...); err != nil {
		t.Fatal(err)
	}
	var recorded, numbered []string
	for i, op := range fs.Ops() {
		recorded = append(recorded, op.String())
		numbered = append(numbered, fmt.Sprint(i, " ", op))
	}
	if !slices.Equal(recorded, workloadOps) {
		t.Errorf("Ops: %q, want %q", recorded, workloadOps)
	}
	if !slices.Equal(hooked, numbered) {
		t.Errorf("OnOp saw %q, want %q", hooked, numbered)
	}
}

func TestEveryOperationCanFail(t *testing.T) {
	for n, name := range workloadOps {
		fs := faultfs.New(memfs.New(), faultfs.Nth(n, faultfs.Fault{Err: vfs.ErrNoSpace}))
		failed := slices.DeleteFunc(workload(fs), func(err error) bool { return err == nil })
		if len(failed) == 0 || !errors.Is(failed[0], vfs.ErrNoSpace) || !strings.Contains(failed[0].Error(), name) {
			t.Errorf("operation %d, %s: errors %v", n, name, failed)
		}
	}
}

func TestOperationsFailUntilTheFaultEnds(t *testing.T) {
	fs := faultfs.New(memfs.New(), faultfs.From(1, faultfs.Fault{Err: vfs.ErrIO}))
	for n := range 4 {
		if _, err := fs.List(); (err != nil) != (n >= 1) {
			t.Errorf("operation %d: %v", n, err)
		}
	}
	fs.SetRule(nil)
	if _, err := fs.List(); err != nil {
		t.Errorf("after the end of the fault: %v", err)
	}
}

func TestOnNumbersMatchingOperationsOnly(t *testing.T) {
	removals := faultfs.Kinds(faultfs.Remove)
	fs := faultfs.New(memfs.New(), faultfs.On(removals, faultfs.Nth(1, faultfs.Fault{Err: vfs.ErrIO})))
	for n := range 3 {
		if _, err := fs.List(); err != nil {
			t.Fatal(err)
		}
		if err := fs.Remove("missing"); errors.Is(err, vfs.ErrIO) != (n == 1) {
			t.Errorf("removal %d: %v", n, err)
		}
	}
}

// synced makes a file with 4 synced bytes and leaves it open.
func synced(t *testing.T, fs vfs.FS) vfs.Writer {
	t.Helper()
	w, err := fs.Create("000001.log")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := w.Sync(vfs.Strict); err != nil {
		t.Fatal(err)
	}
	return w
}

func content(t *testing.T, fs vfs.FS) string {
	t.Helper()
	r, err := fs.Open("000001.log")
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, r.Size())
	if n, err := r.ReadAt(p, 0); n != len(p) {
		t.Fatal(err)
	}
	return string(p)
}

func TestFailedWriterDropsWhatWasNotSyncedAndIsDead(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  faultfs.Kind
		fault faultfs.Fault
		want  string
	}{
		{"write", faultfs.Write, faultfs.Fault{Err: vfs.ErrNoSpace}, "kept"},
		{"short write", faultfs.Write, faultfs.Fault{Err: vfs.ErrNoSpace, Short: 2}, "kept"},
		{"short write that stays", faultfs.Write, faultfs.Fault{Err: vfs.ErrNoSpace, Short: 2, KeepTail: true}, "keptlo"},
		{"sync", faultfs.Sync, faultfs.Fault{Err: vfs.ErrIO}, "kept"},
		{"sync of what stays", faultfs.Sync, faultfs.Fault{Err: vfs.ErrIO, KeepTail: true}, "keptlost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Twice, since the faults of a wrapped faultfs must reach the medium, too.
			fs := faultfs.New(faultfs.New(memfs.New(), nil), nil)
			w := synced(t, fs)
			fs.SetRule(faultfs.On(faultfs.Kinds(c.kind), faultfs.Nth(0, c.fault)))
			n, failure := w.Write([]byte("lost"))
			if want := c.fault.Short; failure != nil && n != want {
				t.Errorf("Write returned %d, want %d", n, want)
			}
			if failure == nil {
				failure = w.Sync(vfs.Relaxed)
			}
			if !errors.Is(failure, c.fault.Err) {
				t.Fatalf("fault gave %v, want one that wraps %q", failure, c.fault.Err)
			}

			operations := len(fs.Ops())
			_, writeErr := w.Write([]byte("more"))
			syncErr := w.Sync(vfs.Strict)
			if writeErr != failure || syncErr != failure {
				t.Errorf("dead Writer gave %v and %v, want %v", writeErr, syncErr, failure)
			}
			if len(fs.Ops()) != operations {
				t.Error("calls of a dead Writer were counted")
			}
			if err := w.Close(); err != nil {
				t.Errorf("Close of a dead Writer: %v", err)
			}
			if got := content(t, fs); got != c.want {
				t.Errorf("file has %q, want %q", got, c.want)
			}
		})
	}
}

func TestFailedChangeMayTakeEffect(t *testing.T) {
	for _, c := range []struct {
		name string
		kind faultfs.Kind
		do   func(fs vfs.FS) error
		want string // the directory if the change was made
	}{
		{"create", faultfs.Create, func(fs vfs.FS) error { _, err := fs.Create("b"); return err }, "[{000001.log 4} {b 0}]"},
		{"remove", faultfs.Remove, func(fs vfs.FS) error { return fs.Remove("000001.log") }, "[]"},
		{"rename", faultfs.Rename, func(fs vfs.FS) error { return fs.Rename("000001.log", "a") }, "[{a 4}]"},
	} {
		for done, want := range map[bool]string{false: "[{000001.log 4}]", true: c.want} {
			inner := memfs.New()
			if err := synced(t, inner).Close(); err != nil {
				t.Fatal(err)
			}
			fs := faultfs.New(inner, faultfs.On(faultfs.Kinds(c.kind), faultfs.Nth(0, faultfs.Fault{Err: vfs.ErrIO, Done: done})))
			if err := c.do(fs); !errors.Is(err, vfs.ErrIO) {
				t.Errorf("%s, done %v: %v", c.name, done, err)
			}
			if infos, err := fs.List(); err != nil || fmt.Sprint(infos) != want {
				t.Errorf("%s, done %v: directory is %v, want %s; %v", c.name, done, infos, want, err)
			}
		}
	}
}

func TestReadCanFailFallShortOrLie(t *testing.T) {
	fs := faultfs.New(memfs.New(), nil)
	if err := synced(t, fs).Close(); err != nil {
		t.Fatal(err)
	}
	r, err := fs.Open("000001.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		fault faultfs.Fault
		want  string
		err   error
	}{
		{"no fault", faultfs.Fault{}, "kept", nil},
		{"error", faultfs.Fault{Err: vfs.ErrIO}, "", vfs.ErrIO},
		{"short read", faultfs.Fault{Err: vfs.ErrIO, Short: 3}, "kep", vfs.ErrIO},
		{"short read beyond the end", faultfs.Fault{Err: vfs.ErrIO, Short: 30}, "kept", vfs.ErrIO},
		{"flipped bit", faultfs.Fault{FlipBit: true, Bit: 0}, "jept", nil},
		{"flipped last bit", faultfs.Fault{FlipBit: true, Bit: 31}, "kep\xf4", nil},
		{"flipped bit, counted round", faultfs.Fault{FlipBit: true, Bit: 32}, "jept", nil},
	} {
		fs.SetRule(faultfs.On(faultfs.Kinds(faultfs.ReadAt), faultfs.Nth(0, c.fault)))
		p := make([]byte, 4)
		n, err := r.ReadAt(p, 0)
		if !errors.Is(err, c.err) || string(p[:n]) != c.want {
			t.Errorf("%s: read %q, %v; want %q, %v", c.name, p[:n], err, c.want, c.err)
		}
		if n, err := r.ReadAt(p, 0); n != 4 || err != nil && err != io.EOF || !bytes.Equal(p, []byte("kept")) {
			t.Errorf("read after %s: %q, %v", c.name, p[:n], err)
		}
	}
}

func TestFailedCloseHasClosed(t *testing.T) {
	fs := faultfs.New(memfs.New(), nil)
	held, err := fs.Lock()
	if err != nil {
		t.Fatal(err)
	}
	fs.SetRule(faultfs.From(0, faultfs.Fault{Err: vfs.ErrIO}))
	if err := held.Close(); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("unlock: %v", err)
	}
	fs.SetRule(nil)
	if _, err := fs.Lock(); err != nil {
		t.Errorf("lock after a failed unlock: %v", err)
	}
}

// A crash test takes its pictures in the hook: they show what came before the operation.
func TestHookSeesTheMediumBeforeTheOperation(t *testing.T) {
	inner := memfs.New()
	fs := faultfs.New(inner, nil)
	var sizes []string
	fs.OnOp(func(_ int, op faultfs.Op) {
		infos, err := inner.Crash(memfs.Keep{}).List()
		if err != nil {
			t.Error(err)
		}
		sizes = append(sizes, fmt.Sprint(op.Kind, " ", infos))
	})
	if err := synced(t, fs).Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"create []", "write []", "sync []", "close writer [{000001.log 4}]"}
	if !slices.Equal(sizes, want) {
		t.Errorf("got %q, want %q", sizes, want)
	}
}
