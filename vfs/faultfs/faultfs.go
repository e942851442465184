// Package faultfs is a vfs.FS that stands before another and makes its operations fail, so
// that tests can see what their subject does then.
//
// Every operation has a number, from 0 on, in the order in which they begin. A Rule decides
// by the number and the operation whether it fails, and how. Here every sync from the third
// on fails for want of space, until the rule is taken away:
//
//	fs := faultfs.New(inner, faultfs.On(faultfs.Kinds(faultfs.Sync),
//		faultfs.From(2, faultfs.Fault{Err: vfs.ErrNoSpace})))
//	...
//	fs.SetRule(nil)
//
// What holds:
//
//  1. An operation that fails does not reach the inner FS, but for what its Fault says. A
//     Close that fails has closed all the same.
//  2. A Writer whose Write or Sync failed is dead, as promise 4 of vfs demands: the inner
//     Writer drops what was not synced, if it has a method Abandon() as those of memfs,
//     osfs and idbfs have. The calls that a dead or closed Writer refuses are no operations.
//
// A Full is the other fault that users meet: a store that is short of space for some time.
//
// All methods are safe for concurrent use, but for those of one Writer. The numbers then
// depend on how the goroutines run.
package faultfs

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/varvedb/varve/vfs"
)

// FS passes operations on to another FS, or fails them.
type FS struct {
	inner vfs.FS

	mu   sync.Mutex
	rule Rule
	hook func(n int, op Op)
	ops  []Op
}

// New returns an FS before inner. A nil rule fails nothing.
func New(inner vfs.FS, rule Rule) *FS { return &FS{inner: inner, rule: rule} }

// SetRule replaces the rule, for the operations that begin from now on. nil ends the faults.
func (fs *FS) SetRule(rule Rule) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.rule = rule
}

// OnOp has hook called before each operation with its number: a crash test takes its picture
// of the medium there. The hook may call the FS.
func (fs *FS) OnOp(hook func(n int, op Op)) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.hook = hook
}

// Ops returns all operations so far, in the order of their numbers.
func (fs *FS) Ops() []Op {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return slices.Clone(fs.ops)
}

// begin numbers an operation and returns its fault, or nil.
func (fs *FS) begin(op Op) *Fault {
	fs.mu.Lock()
	n, hook := len(fs.ops), fs.hook
	fs.ops = append(fs.ops, op)
	var fault *Fault
	if fs.rule != nil {
		fault = fs.rule(n, op)
	}
	fs.mu.Unlock()
	if hook != nil {
		hook(n, op)
	}
	return fault
}

// Create implements vfs.FS.
func (fs *FS) Create(name string) (vfs.Writer, error) {
	op := Op{Kind: Create, Name: name}
	fault := fs.begin(op)
	if fault.fails() && !fault.Done {
		return nil, fault.failed(op)
	}
	w, err := fs.inner.Create(name)
	if err != nil {
		return nil, err
	}
	if fault.fails() {
		_ = w.Close() // the failure to report is the fault's
		return nil, fault.failed(op)
	}
	return &writer{fs: fs, inner: w, name: name}, nil
}

// Open implements vfs.FS.
func (fs *FS) Open(name string) (vfs.Reader, error) {
	op := Op{Kind: Open, Name: name}
	if fault := fs.begin(op); fault.fails() {
		return nil, fault.failed(op)
	}
	r, err := fs.inner.Open(name)
	if err != nil {
		return nil, err
	}
	return &reader{fs: fs, inner: r, name: name}, nil
}

// Remove implements vfs.FS.
func (fs *FS) Remove(name string) error {
	return fs.change(Op{Kind: Remove, Name: name}, func() error { return fs.inner.Remove(name) })
}

// Rename implements vfs.FS.
func (fs *FS) Rename(from, to string) error {
	return fs.change(Op{Kind: Rename, Name: from, To: to}, func() error { return fs.inner.Rename(from, to) })
}

func (fs *FS) change(op Op, do func() error) error {
	fault := fs.begin(op)
	if fault.fails() && !fault.Done {
		return fault.failed(op)
	}
	if err := do(); err != nil {
		return err
	}
	if fault.fails() {
		return fault.failed(op)
	}
	return nil
}

// List implements vfs.FS.
func (fs *FS) List() ([]vfs.FileInfo, error) {
	op := Op{Kind: List}
	if fault := fs.begin(op); fault.fails() {
		return nil, fault.failed(op)
	}
	return fs.inner.List()
}

// Lock implements vfs.FS.
func (fs *FS) Lock() (io.Closer, error) {
	op := Op{Kind: Lock}
	if fault := fs.begin(op); fault.fails() {
		return nil, fault.failed(op)
	}
	held, err := fs.inner.Lock()
	if err != nil {
		return nil, err
	}
	return &lock{fs: fs, inner: held}, nil
}

// Close implements vfs.FS. It closes the inner FS.
func (fs *FS) Close() error { return fs.end(Op{Kind: Close}, fs.inner) }

// end closes something, and then perhaps fails.
func (fs *FS) end(op Op, c io.Closer) error {
	fault := fs.begin(op)
	err := c.Close()
	if err == nil && fault.fails() {
		err = fault.failed(op)
	}
	return err
}

type lock struct {
	fs    *FS
	inner io.Closer
}

func (l *lock) Close() error { return l.fs.end(Op{Kind: Unlock}, l.inner) }

// failed returns the error of a failed operation.
func (f *Fault) failed(op Op) error { return fmt.Errorf("%v: fault: %w", op, f.Err) }
