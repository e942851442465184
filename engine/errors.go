package engine

import (
	"errors"

	"github.com/varvedb/varve/engine/internal/base"
)

// The errors that those of a DB are or wrap, beside those of package vfs: vfs.ErrNoSpace,
// vfs.ErrLocked and vfs.ErrIO above all.
var (
	// ErrNotFound means that no value is stored under the key.
	ErrNotFound = errors.New("varve: not found")

	// ErrClosed means that the DB, Snapshot or Iterator has been closed.
	ErrClosed = errors.New("varve: closed")

	// ErrWouldWait means that a Try method could not finish at once.
	ErrWouldWait = base.ErrWouldWait

	// ErrExists means that the store exists though Options.ErrorIfExists was set.
	ErrExists = errors.New("varve: store exists")

	// ErrNoStore means that there is no store though Options.ErrorIfMissing was set.
	ErrNoStore = errors.New("varve: store does not exist")

	// ErrInvalidArgument means that the call can't be carried out as asked: an empty or
	// oversized key, an oversized value, crossed bounds, an option out of range.
	ErrInvalidArgument = errors.New("varve: invalid argument")
)

// CorruptionError says that stored bytes are not what was written: in which file, where, why.
type CorruptionError = base.CorruptionError
