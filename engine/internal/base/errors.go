package base

import (
	"errors"
	"fmt"
	"io"

	"github.com/varvedb/varve/vfs"
)

// ErrWouldWait is what an operation that must not wait returns when it would have to.
var ErrWouldWait = errors.New("varve: would have to wait")

// CorruptionError says that stored bytes are not what was written.
type CorruptionError struct {
	File   string // the file's name in the store
	Offset int64  // where in the file the damaged part begins; -1 if unknown
	Reason string
}

func (e *CorruptionError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("varve: %s is corrupt: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("varve: %s is corrupt at %d: %s", e.File, e.Offset, e.Reason)
}

// Corruption makes a CorruptionError.
func Corruption(file string, offset int64, format string, args ...any) error {
	return &CorruptionError{File: file, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// Unreadable reports whether err says that stored bytes are damaged or can't be read, so that
// the bytes around them may yet be.
func Unreadable(err error) bool {
	_, corrupt := errors.AsType[*CorruptionError](err)
	return corrupt || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, vfs.ErrIO)
}
