// Package dump prints what a file of a store holds, for people to read.
//
// The engine's readers stop where a file is damaged, or skip to what they can use. A dump says
// what is wrong where, and goes on: in a log or manifest with the next record that is whole, in
// a table with the next block.
//
//  1. A line begins with the offset in the file of what it describes, but for the lines that
//     belong to the one above, which are indented, and those on the whole file.
//  2. Damage is a line of its own, in its place: "OFFSET: damaged: REASON".
//  3. Any file can be dumped: whatever its bytes, there is no panic, and no more memory is taken
//     than a constant times the file's size.
//  4. The file is only read, without the store's lock: another program may have the store open.
package dump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/vfs"
)

// Options of File.
type Options struct {
	Entries bool // print the entries of tables; those of logs always are
	Values  bool // print the values of the entries, not only their lengths
}

// ErrUnknown means that a file is none of those that hold a store's data.
var ErrUnknown = errors.New("neither a log nor a table nor a manifest, by its name or its content")

// File prints what file holds, which is known by the name at the end of path, or else by its
// content. damaged is the number of damaged places.
func File(out io.Writer, file vfs.Reader, path string, o Options) (damaged int, err error) {
	d := &dumper{
		Options: o,
		out:     bufio.NewWriterSize(out, 64<<10),
		file:    file,
		size:    file.Size(),
		name:    filepath.Base(path),
	}
	err = d.dump()
	return d.damages, errors.Join(err, d.out.Flush())
}

// dumper is the state of one dump. What printing fails with, out keeps until it is flushed.
type dumper struct {
	Options
	out     *bufio.Writer
	file    vfs.Reader
	size    int64
	name    string
	damages int
}

func (d *dumper) dump() error {
	kind, err := d.kind()
	if err != nil {
		return err
	}
	switch kind {
	case base.FileCurrent:
		return d.current()
	case base.FileManifest:
		return d.manifest()
	case base.FileTable:
		return d.table()
	}
	return d.log()
}

// kind tells what the file holds. Repair puts ".damaged" behind the names of files it keeps.
func (d *dumper) kind() (base.FileKind, error) {
	kind, _, ok := base.ParseFileName(strings.TrimSuffix(d.name, ".damaged"))
	if !ok || kind == base.FileTemp {
		return d.kindByContent()
	}
	if kind == base.FileLock || kind == base.FileInfoLog {
		return 0, ErrUnknown
	}
	return kind, nil
}

func (d *dumper) title(kind string) {
	fmt.Fprintf(d.out, "%s %s, %d bytes\n", kind, d.name, d.size)
}

// at prints a line on what is at an offset.
func (d *dumper) at(offset int64, format string, args ...any) {
	fmt.Fprintf(d.out, "%d: %s\n", offset, fmt.Sprintf(format, args...))
}

// damaged prints a line on damage and counts it.
func (d *dumper) damaged(offset int64, reason string) {
	d.damages++
	d.at(offset, "damaged: %s", reason)
}

// read returns n bytes of the file, which has them.
func (d *dumper) read(offset int64, n int) ([]byte, error) {
	p := make([]byte, n)
	if got, err := d.file.ReadAt(p, offset); got < n {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %s at %d: %w", d.name, offset, err)
	}
	return p, nil
}
