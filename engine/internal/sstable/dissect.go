package sstable

import (
	"fmt"

	"github.com/varvedb/varve/vfs"
)

// FooterLen is the length in bytes of what a table file ends with.
const FooterLen = footerLen

// Dissection gives access to a table part by part, for tools that show what is damaged and what
// is not. Its methods fail with a *base.CorruptionError, or what reading the file failed with.
type Dissection struct {
	r     Reader
	limit uint64 // where the blocks end
}

// Handle says where a block is in its table.
type Handle = handle

// Offset returns where the block begins.
func (h handle) Offset() int64 { return int64(h.offset) }

// Len returns the stored block's length, without its trailer.
func (h handle) Len() int64 { return int64(h.length) }

func (h handle) String() string { return fmt.Sprintf("at %d, %d bytes", h.offset, h.length) }

// Dissect returns the Dissection of the table that file holds. name is what errors call it.
func Dissect(file vfs.Reader, name string) *Dissection {
	d := &Dissection{r: Reader{file: file, options: ReaderOptions{Name: name}}}
	d.limit = uint64(max(file.Size()-footerLen, 0))
	return d
}

// Footer returns what the footer names.
func (d *Dissection) Footer() (metaindex, index Handle, err error) {
	if size := d.r.file.Size(); size < footerLen {
		return metaindex, index, d.r.corrupt(0, errTooShort(size))
	}
	var w window
	if err := w.read(&d.r, d.limit, footerLen); err != nil {
		return metaindex, index, err
	}
	metaindex, index, err = decodeFooter(w.buf, d.limit)
	if err != nil {
		err = d.r.corrupt(d.limit, err)
	}
	return metaindex, index, err
}

// Handle decodes a value of the index or metaindex block.
func (d *Dissection) Handle(value []byte) (Handle, error) {
	h, _, err := decodeHandle(value, d.limit)
	return h, err
}

// Block returns the contents of the block at h, and whether they are stored compressed.
func (d *Dissection) Block(h Handle) (contents []byte, compressed bool, err error) {
	var w window
	if err := w.read(&d.r, h.offset, int(h.length+blockTrailerLen)); err != nil {
		return nil, false, err
	}
	compressed = w.buf[h.length] == blockSnappy
	if contents, err = decodeStored(nil, w.buf); err != nil {
		return nil, false, d.r.corrupt(h.offset, err)
	}
	return contents, compressed, nil
}

// EachEntry calls visit for the entries of a block of any kind, up to the first that is damaged.
// key and value hold during the call.
func EachEntry(contents []byte, visit func(key, value []byte) error) error {
	if err := checkBlock(contents); err != nil {
		return err
	}
	b := newBlock(contents)
	return b.forEach(visit)
}
