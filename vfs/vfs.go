// Package vfs defines the file system that the engine stands on: one flat directory of
// files that are written once by append and from then on only read.
//
// An FS is a whole store. File names are plain names: not empty, no slash, not "." or "..".
//
// What every implementation promises, and the suite in vfstest checks:
//
//  1. A file's bytes are the concatenation of the slices written to it, in order.
//  2. Writer.Sync makes durable the file, its name and every byte written to it before the
//     call. What was not synced may be lost in a crash, but only as a suffix of the file. A loss
//     of power may leave zeros in its place, from where a Sync ended or a multiple of 512 on.
//  3. Syncs take effect in the order in which they were issued, over all files: after a
//     crash, if one Sync's bytes are there, so are those of every Sync that returned before it.
//  4. A Writer whose Write or Sync failed is dead: every later call but Close returns the
//     same error, and the bytes after its last successful Sync are dropped from the file, as
//     far as the medium still obeys. So is a Writer whose Relaxed bytes turn out to be lost when
//     another file is synced: until it is closed, no other Sync and no Rename takes effect.
//  5. Rename is atomic, replaces its target, and is durable when it returns, together with
//     everything that was synced before it.
//  6. A removed or replaced file that is still open stays readable to its Readers. A removal
//     may come undone in a crash.
//  7. A lock is exclusive across processes (osfs), tabs and workers (idbfs).
//
// All methods are safe for concurrent use, but for those of one Writer.
//
// Calls of Create, Write, Remove, Writer.Close and Reader.Close never wait for the medium on
// idbfs, so that they may be made where waiting is forbidden. All others may wait.
//
// Errors wrap one of the sentinel errors of this package, with the operation and the file.
package vfs

import (
	"errors"
	"fmt"
	"io"
)

// FS is one flat directory of files.
type FS interface {
	// Create makes an empty file for writing. A file of that name is replaced, as by Remove.
	Create(name string) (Writer, error)

	// Open opens a file for reading. The Reader sees the bytes that were synced before the
	// call and, if the file's Writer is still open, perhaps some of those written since.
	// It fails with ErrNotFound if there is no such file.
	Open(name string) (Reader, error)

	// Remove removes a file. It fails with ErrNotFound if there is no such file.
	Remove(name string) error

	// Rename gives a file another name, replacing the file that has it.
	// The file must not be open for writing.
	Rename(from, to string) error

	// List returns the files in order of their names.
	List() ([]FileInfo, error)

	// Lock takes the directory's exclusive lock, or fails with ErrLocked at once if another
	// holder has it, in this process or elsewhere. Closing the result releases the lock.
	Lock() (io.Closer, error)

	// Close releases what the FS holds. Open files and the lock must be closed before.
	// Calls after Close fail with ErrClosed.
	Close() error
}

// Usage is what an FS takes of its medium, in bytes.
type Usage struct {
	Stored     int64 // by this FS, also for what it is about to delete or keeps in reserve
	MediumUsed int64 // by all that shares the medium's quota; -1 if unknown
	MediumSize int64 // the quota; -1 if unknown
}

// FileInfo names a file and gives its size in bytes.
type FileInfo struct {
	Name string
	Size int64
}

// Writer appends to a file. Its methods must not be called concurrently.
type Writer interface {
	// Write appends p to the file. The Writer does not keep p.
	io.Writer

	// Sync makes the file durable to the given degree: see the package's promises 2 and 3.
	Sync(d Durability) error

	// Close ends the writing. It does not sync: unsynced bytes reach the medium at leisure.
	Close() error
}

// Reader reads a file that Open opened.
type Reader interface {
	// ReadAt reads as io.ReaderAt does. The Reader does not keep p.
	io.ReaderAt

	// Size returns the length in bytes that the file had when it was opened.
	Size() int64

	// Close releases the Reader.
	Close() error
}

// TryReader is a Reader that has parts of its file in memory.
type TryReader interface {
	Reader

	// TryReadAt fills p with the bytes at offset and returns true, if it can do so at once: it
	// waits for nothing. Otherwise p is undefined.
	TryReadAt(p []byte, offset int64) bool
}

// Durability says what a Sync waits for.
type Durability uint8

const (
	// Strict waits until the bytes are on the medium, safe from loss of power.
	// osfs: fsync. idbfs: a transaction of strict durability.
	Strict Durability = iota

	// Relaxed waits until the operating system or the browser has taken the bytes,
	// safe from the end of this process or tab. osfs: write. idbfs: a transaction of
	// relaxed durability.
	Relaxed
)

// The errors that those of an FS wrap.
var (
	ErrNotFound = errors.New("file not found")
	ErrNoSpace  = errors.New("no space left")
	ErrLocked   = errors.New("open already, in another tab, worker or program, or by another open here: close it there")
	ErrClosed   = errors.New("already closed")
	ErrIO       = errors.New("input/output error")
	ErrDamaged  = errors.New("stored bytes are missing or damaged")
	ErrName     = errors.New("invalid file name")
)

// NoSpaceError is an ErrNoSpace that knows its figures, in bytes.
type NoSpaceError struct {
	Wanted    int64 // what the failed operation needed; 0 if unknown
	Available int64 // what the medium has left; -1 if unknown
}

func (e *NoSpaceError) Error() string {
	switch {
	case e.Available < 0 && e.Wanted == 0:
		return ErrNoSpace.Error()
	case e.Available < 0:
		return fmt.Sprintf("%v: %d bytes wanted", ErrNoSpace, e.Wanted)
	}
	return fmt.Sprintf("%v: %d bytes wanted, %d available", ErrNoSpace, e.Wanted, e.Available)
}

// Is makes errors.Is(err, ErrNoSpace) true.
func (e *NoSpaceError) Is(target error) bool { return target == ErrNoSpace }

// CheckName returns an error that wraps ErrName unless name may name a file.
func CheckName(name string) error {
	if name == "" || name == "." || name == ".." {
		return fmt.Errorf("file name %q: %w", name, ErrName)
	}
	for i := range len(name) {
		if name[i] == '/' || name[i] == '\\' || name[i] == 0 {
			return fmt.Errorf("file name %q: %w", name, ErrName)
		}
	}
	return nil
}
