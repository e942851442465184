package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

const (
	// syncPiece bounds what a file system is left to hold of a file that is being written.
	syncPiece = 4 << 20

	// bufferSize is a multiple of a page of any file system.
	bufferSize = 64 << 10

	// maxExtension bounds the content of a member that says more of the next.
	maxExtension = 64 << 10
)

// currentTemp is the name of CURRENT while it is being written.
var currentTemp = base.FileName(base.FileTemp, 1)

// unpacking is the state of one walk over an archive.
type unpacking struct {
	from io.Reader
	read int64 // bytes
	to   vfs.FS
	seen map[string]bool

	buffer []byte
	name   string // of the next member, if it had no room in its header
}

// unpack writes the store's files among the members of an archive.
func unpack(to vfs.FS, from io.Reader) error {
	u := &unpacking{from: from, to: to, seen: map[string]bool{}, buffer: make([]byte, bufferSize)}
	for {
		h, err := u.header()
		if err != nil {
			return err
		}
		if h.empty() {
			break
		}
		if err := u.member(h); err != nil {
			return err
		}
	}
	if !u.seen[base.CurrentName] {
		return fmt.Errorf("%w: the archive holds no LevelDB store: it has no file CURRENT", engine.ErrInvalidArgument)
	}
	return nil
}

// header reads the next header. If the first is none, then this is no archive.
func (u *unpacking) header() (*header, error) {
	var h header
	err := u.fill(h[:])
	switch {
	case u.read <= blockSize && (errors.Is(err, errCut) || err == nil && !h.empty() && !h.whole()):
		return nil, fmt.Errorf("%w: this is no tar archive", engine.ErrInvalidArgument)
	case err != nil:
		return nil, err
	case !h.empty() && !h.whole():
		return nil, u.corruption("a header fails its checksum")
	}
	return &h, nil
}

// member reads the rest of a member, and writes it if it is a file of a store.
func (u *unpacking) member(h *header) error {
	size, ok := h.number(124, 12)
	if !ok {
		return u.corruption("the size of a member is no number")
	}
	switch h.kind() {
	case gnuLongName, paxRecords:
		return u.extension(h.kind(), size)
	case directory:
		u.name = ""
		return u.discard(size + padding(size))
	case paxGlobals:
		return u.discard(size + padding(size))
	}
	name := h.name()
	if u.name != "" {
		name, u.name = lastPart(u.name), ""
	}
	fileKind, _, ok := base.ParseFileName(name)
	switch {
	case !ok, fileKind == base.FileLock, fileKind == base.FileInfoLog, fileKind == base.FileTemp:
		return u.discard(size + padding(size))
	case h.kind() != plainFile && h.kind() != oldFile:
		return fmt.Errorf("%w: %s is no plain file in the archive", engine.ErrInvalidArgument, name)
	case u.seen[name]:
		return fmt.Errorf("%w: the archive has %s twice", engine.ErrInvalidArgument, name)
	}
	u.seen[name] = true
	if err := u.file(name, size); err != nil {
		return err
	}
	return u.discard(padding(size))
}

// file writes a file. Only what follows has to make it durable.
func (u *unpacking) file(name string, size int64) error {
	if name != base.CurrentName {
		return u.write(name, size)
	}
	if err := u.write(currentTemp, size); err != nil {
		return err
	}
	return u.to.Rename(currentTemp, name)
}

func (u *unpacking) write(name string, size int64) (err error) {
	w, err := u.to.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for {
		piece := min(size, syncPiece)
		if err := u.copy(w, piece); err != nil {
			return err
		}
		if err := w.Sync(vfs.Relaxed); err != nil {
			return err
		}
		if size -= piece; size == 0 {
			return nil
		}
	}
}

// extension reads a member that gives the next one its name.
func (u *unpacking) extension(kind byte, size int64) error {
	if size > maxExtension {
		return u.corruption("a member's name has %d bytes", size)
	}
	content := make([]byte, size)
	if err := u.fill(content); err != nil {
		return err
	}
	if kind == gnuLongName {
		u.name = upTo(content, 0)
	} else if path, ok := paxPath(content); ok {
		u.name = path
	}
	return u.discard(padding(size))
}

// paxPath finds the path among records of the form "length key=value\n".
func paxPath(records []byte) (path string, ok bool) {
	for len(records) > 0 {
		digits := upTo(records, ' ')
		length, err := strconv.Atoi(digits)
		if err != nil || length <= len(digits) || length > len(records) {
			return path, ok
		}
		record := bytes.TrimSuffix(records[len(digits)+1:length], []byte{'\n'})
		if value, found := bytes.CutPrefix(record, []byte("path=")); found {
			path, ok = string(value), true
		}
		records = records[length:]
	}
	return path, ok
}

// errCut is what the end of an archive that is cut off is, beside a corruption.
var errCut = errors.New("unexpected end")

func (u *unpacking) fill(p []byte) error {
	n, err := io.ReadFull(u.from, p)
	u.read += int64(n)
	return u.cut(err)
}

// copy writes the next n bytes to w. io.CopyN would make the linker keep every ReadFrom and WriteTo
// of the program, with all that these need.
func (u *unpacking) copy(w io.Writer, n int64) error {
	for n > 0 {
		piece := u.buffer[:min(n, bufferSize)]
		if err := u.fill(piece); err != nil {
			return err
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		n -= int64(len(piece))
	}
	return nil
}

func (u *unpacking) discard(n int64) error { return u.copy(io.Discard, n) }

// cut gives the end of what is read the form of damage.
func (u *unpacking) cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: %w", u.corruption("the archive is cut off"), errCut)
	}
	return err
}

func (u *unpacking) corruption(format string, args ...any) error {
	return base.Corruption("archive", u.read, format, args...)
}
