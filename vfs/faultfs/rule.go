package faultfs

import (
	"fmt"
	"slices"

	"github.com/varvedb/varve/vfs"
)

// Kind is a kind of operation.
type Kind uint8

// The operations of an FS, a lock, a Writer and a Reader.
const (
	Create Kind = iota
	Open
	Remove
	Rename
	List
	Lock
	Unlock
	Close
	Write
	Sync
	CloseWriter
	ReadAt
	CloseReader
)

var kindNames = [...]string{
	"create", "open", "remove", "rename", "list", "lock", "unlock", "close file system",
	"write", "sync", "close writer", "read", "close reader",
}

func (k Kind) String() string { return kindNames[k] }

// Op is an operation.
type Op struct {
	Kind       Kind
	Name       string         // the file; of a Writer, the name it was created under
	To         string         // Rename only
	Offset     int64          // Write and ReadAt only
	Length     int            // Write and ReadAt only
	Durability vfs.Durability // Sync only
}

func (op Op) String() string {
	switch op.Kind {
	case Rename:
		return fmt.Sprintf("rename %s to %s", op.Name, op.To)
	case Write, ReadAt:
		return fmt.Sprintf("%v %s: %d bytes at %d", op.Kind, op.Name, op.Length, op.Offset)
	case Sync:
		if op.Durability == vfs.Relaxed {
			return "sync " + op.Name + " (relaxed)"
		}
		return "sync " + op.Name + " (strict)"
	}
	if op.Name == "" {
		return op.Kind.String()
	}
	return op.Kind.String() + " " + op.Name
}

// Fault is what befalls an operation.
type Fault struct {
	// Err is what the operation fails with; nil: it does not fail.
	Err error

	// Short is the number of bytes that a failed Write or ReadAt deals with first.
	Short int

	// KeepTail says that the medium does not obey when a failed Write or Sync drops the
	// bytes after the last Sync: they stay in the file.
	KeepTail bool

	// Done says that a failed Create, Remove or Rename takes effect all the same.
	Done bool

	// FlipBit has a ReadAt return one wrong bit and no error: number Bit of its bytes,
	// counted round and round if they are fewer.
	FlipBit bool
	Bit     int
}

func (f *Fault) fails() bool { return f != nil && f.Err != nil }

// Rule decides on operation n: it returns its Fault, or nil. An FS calls its rule from one
// goroutine at a time.
type Rule func(n int, op Op) *Fault

// Nth fails operation n.
func Nth(n int, fault Fault) Rule {
	return func(i int, _ Op) *Fault {
		if i == n {
			return &fault
		}
		return nil
	}
}

// From fails operation n and all after it.
func From(n int, fault Fault) Rule {
	return func(i int, _ Op) *Fault {
		if i >= n {
			return &fault
		}
		return nil
	}
}

// On applies a rule to the operations that match, and numbers only those, from 0 on.
func On(match func(Op) bool, rule Rule) Rule {
	matched := 0
	return func(_ int, op Op) *Fault {
		if !match(op) {
			return nil
		}
		matched++
		return rule(matched-1, op)
	}
}

// Kinds matches operations of these kinds.
func Kinds(kinds ...Kind) func(Op) bool {
	return func(op Op) bool { return slices.Contains(kinds, op.Kind) }
}
