package vfstest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// fixture is what a check works on: an empty file system, and where to report.
type fixture struct {
	testing.TB
	fs     vfs.FS
	reopen func() vfs.FS
}

// write makes a synced file of the content.
func (f *fixture) write(name string, content []byte) {
	f.Helper()
	if err := writeFile(f.fs, name, content); err != nil {
		f.Fatal(err)
	}
}

// create makes a file and leaves it open for writing.
func (f *fixture) create(name string) vfs.Writer {
	f.Helper()
	w, err := f.fs.Create(name)
	if err != nil {
		f.Fatal(err)
	}
	return w
}

func (f *fixture) open(name string) vfs.Reader {
	f.Helper()
	r, err := f.fs.Open(name)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// ok fails the check if any of the errors is one.
func (f *fixture) ok(errs ...error) {
	f.Helper()
	for _, err := range errs {
		if err != nil {
			f.Fatal(err)
		}
	}
}

// wantContent fails the check unless the file has exactly that content.
func (f *fixture) wantContent(name string, want []byte) {
	f.Helper()
	if err := checkFile(f.fs, name, want); err != nil {
		f.Error(err)
	}
}

// wantRead fails the check unless the Reader gives exactly that content.
func (f *fixture) wantRead(r vfs.Reader, want []byte) {
	f.Helper()
	if err := checkReader(r, want); err != nil {
		f.Error(err)
	}
}

// wantError fails the check unless err wraps the target and names the file.
func (f *fixture) wantError(op, name string, err, target error) {
	f.Helper()
	switch {
	case !errors.Is(err, target):
		f.Errorf("%s %q: error %v, want one that wraps %q", op, name, err, target)
	case !strings.Contains(err.Error(), name):
		f.Errorf("%s: error %q does not name %q", op, err, name)
	}
}

// wantFiles fails the check unless the directory lists exactly those names.
func (f *fixture) wantFiles(want ...string) {
	f.Helper()
	infos, err := f.fs.List()
	f.ok(err)
	var got []string
	for _, info := range infos {
		got = append(got, info.Name)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		f.Errorf("List: got %q, want %q", got, want)
	}
}

func writeFile(fs vfs.FS, name string, content []byte) error {
	w, err := fs.Create(name)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return err
	}
	if err := w.Sync(vfs.Relaxed); err != nil {
		return err
	}
	return w.Close()
}

func checkFile(fs vfs.FS, name string, want []byte) error {
	r, err := fs.Open(name)
	if err != nil {
		return err
	}
	if err := checkReader(r, want); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return r.Close()
}

func checkReader(r vfs.Reader, want []byte) error {
	if r.Size() != int64(len(want)) {
		return fmt.Errorf("size is %d, want %d", r.Size(), len(want))
	}
	got := make([]byte, len(want))
	n, err := r.ReadAt(got, 0)
	if err != nil && (err != io.EOF || n < len(want)) {
		return fmt.Errorf("read: %d of %d bytes: %w", n, len(want), err)
	}
	if i := mismatch(got, want); i >= 0 {
		return fmt.Errorf("content differs from byte %d of %d on", i, len(want))
	}
	return nil
}

// mismatch returns where a and b, which are equally long, differ first; -1 if they do not.
func mismatch(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// content returns n bytes that no other seed gives and that do not compress.
func content(seed uint64, n int) []byte {
	p := make([]byte, n)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	source.Read(p)
	return p
}
