package manifest

import (
	"errors"
	"fmt"
	"io"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/vfs"
)

// minRotateSize is the size below which a manifest is never replaced by a fresh one
// unasked.
const minRotateSize = 1 << 20

// growth is how many times as large as a fresh manifest one is that is to be replaced.
const growth = 4

// file is a manifest that is being written.
type file struct {
	name    string
	writer  vfs.Writer
	encoder record.Encoder
	size    int64
	limit   int64 // the size at which the manifest is to be replaced by a fresh one
	buf     []byte
}

// createFile makes a durable manifest that begins with first.
func createFile(fs vfs.FS, num base.FileNum, first *Edit) (*file, error) {
	name := base.FileName(base.FileManifest, num)
	w, err := fs.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	f := &file{name: name, writer: w}
	if err := f.append(first); err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.limit = max(minRotateSize, growth*f.size)
	return f, nil
}

// append makes e durable. After an error the file must be closed.
func (f *file) append(e *Edit) error {
	f.buf = f.encoder.Append(f.buf[:0], e.Append(nil))
	if _, err := f.writer.Write(f.buf); err != nil {
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	if err := f.writer.Sync(vfs.Strict); err != nil {
		return fmt.Errorf("sync %s: %w", f.name, err)
	}
	f.size += int64(len(f.buf))
	return nil
}

func (f *file) full() bool { return f.size >= f.limit }

func (f *file) close() error {
	if err := f.writer.Close(); err != nil {
		return fmt.Errorf("close %s: %w", f.name, err)
	}
	return nil
}

// writeCurrentTemp makes the file durable that is to become CURRENT, and returns its name.
func writeCurrentTemp(fs vfs.FS, num base.FileNum) (temp string, err error) {
	temp = base.FileName(base.FileTemp, num)
	w, err := fs.Create(temp)
	if err != nil {
		return temp, fmt.Errorf("create %s: %w", temp, err)
	}
	_, err = io.WriteString(w, base.FileName(base.FileManifest, num)+"\n")
	if err == nil {
		err = w.Sync(vfs.Strict)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return temp, fmt.Errorf("write %s: %w", temp, err)
	}
	return temp, nil
}

// maxCurrentSize bounds what is read of CURRENT: more than any manifest's name.
const maxCurrentSize = 64

// readCurrent returns the number of the manifest that CURRENT names.
func readCurrent(fs vfs.FS) (base.FileNum, error) {
	r, err := fs.Open(base.CurrentName)
	if errors.Is(err, vfs.ErrNotFound) {
		return 0, base.Corruption(base.CurrentName, -1, "the file is missing")
	}
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", base.CurrentName, err)
	}
	content := make([]byte, min(r.Size(), maxCurrentSize))
	_, err = r.ReadAt(content, 0)
	if err == io.EOF {
		err = nil
	}
	if errors.Is(err, vfs.ErrDamaged) {
		err = base.Corruption(base.CurrentName, 0, "%v", err)
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return 0, fmt.Errorf("read %s: %w", base.CurrentName, err)
	}
	if r.Size() > maxCurrentSize || len(content) == 0 || content[len(content)-1] != '\n' {
		return 0, base.Corruption(base.CurrentName, 0, "%q does not end a line", content)
	}
	kind, num, ok := base.ParseFileName(string(content[:len(content)-1]))
	if !ok || kind != base.FileManifest {
		return 0, base.Corruption(base.CurrentName, 0, "%q names no manifest", content)
	}
	return num, nil
}
