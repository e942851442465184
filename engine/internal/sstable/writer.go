package sstable

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/golang/snappy"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/pace"
)

// WriterOptions of NewWriter. The zero value of a field means its default.
type WriterOptions struct {
	BlockSize        int // of a data block before compression; default 4 KiB
	RestartInterval  int // entries of a data block from one restart to the next; default 16
	FilterBitsPerKey int // of the bloom filter; none if not positive
	NoCompression    bool
	Pace             *pace.Pacer // of Finish, which computes for long; may be nil
}

// writeSize is the number of bytes that are collected for one Write.
const writeSize = 64 << 10

// Stats of a finished table.
type Stats struct {
	Size                int64
	Entries, Tombstones int64
	Smallest, Largest   []byte // internal keys; nil if there are no entries
}

// Writer writes a table. After an error, every call returns that error.
type Writer struct {
	out     io.Writer
	options WriterOptions

	data    blockWriter
	index   blockWriter
	filter  filterWriter
	pending handle // of the last stored data block: its index key needs the next block's first key

	buf     []byte // stored blocks not yet handed to out
	written int64
	stats   Stats
	scratch []byte
	err     error
}

var errFinished = errors.New("write table: already finished")

// NewWriter returns a Writer that appends a table to out.
func NewWriter(out io.Writer, options WriterOptions) *Writer {
	if options.BlockSize <= 0 {
		options.BlockSize = 4 << 10
	}
	if options.RestartInterval <= 0 {
		options.RestartInterval = 16
	}
	return &Writer{
		out:     out,
		options: options,
		data:    blockWriter{restartInterval: options.RestartInterval},
		index:   blockWriter{restartInterval: 1},
		filter:  filterWriter{bitsPerKey: options.FilterBitsPerKey},
	}
}

// Add appends an entry. Internal keys must be added in strictly increasing order. The slices
// are not kept.
func (w *Writer) Add(key, value []byte) error {
	if w.err != nil {
		return w.err
	}
	newUserKey, err := w.checkKey(key)
	if err != nil {
		w.err = err
		return err
	}
	if w.data.empty() && w.stats.Entries > 0 {
		w.scratch = base.AppendSeparator(w.scratch[:0], w.data.last, key)
		w.addIndexEntry(w.scratch)
	}
	if w.stats.Entries == 0 {
		w.stats.Smallest = bytes.Clone(key)
	}
	if newUserKey && w.options.FilterBitsPerKey > 0 {
		w.filter.add(base.UserKey(key))
	}
	if base.TrailerOf(key).Kind() == base.KindDelete {
		w.stats.Tombstones++
	}
	w.stats.Entries++
	w.data.add(key, value)
	if w.data.size() >= w.options.BlockSize {
		w.finishDataBlock()
	}
	return w.err
}

// checkKey checks that key may follow the last one and tells whether its user key differs.
func (w *Writer) checkKey(key []byte) (newUserKey bool, err error) {
	if !base.ValidInternalKey(key) {
		return false, fmt.Errorf("write table: invalid internal key %q", key)
	}
	if w.stats.Entries == 0 {
		return true, nil
	}
	last := w.data.last
	c := bytes.Compare(base.UserKey(last), base.UserKey(key))
	if c > 0 || c == 0 && base.TrailerOf(last) <= base.TrailerOf(key) {
		return false, fmt.Errorf("write table: key %q is not behind %q", key, last)
	}
	return c < 0, nil
}

// EstimatedSize returns about the size that the table would have if it were finished now.
func (w *Writer) EstimatedSize() int64 {
	size := w.offset() + int64(w.data.size()+w.index.size()+footerLen)
	if w.options.FilterBitsPerKey > 0 {
		size += int64(w.filter.size())
	}
	return size
}

// Finish writes what makes the table complete. It neither syncs nor closes the file.
func (w *Writer) Finish() (Stats, error) {
	if w.err != nil {
		return Stats{}, w.err
	}
	if !w.data.empty() {
		w.finishDataBlock()
	}
	if w.stats.Entries > 0 {
		w.stats.Largest = bytes.Clone(w.data.last)
		w.scratch = base.AppendSuccessor(w.scratch[:0], w.data.last)
		w.addIndexEntry(w.scratch)
	}
	metaindex := blockWriter{restartInterval: 1}
	if w.options.FilterBitsPerKey > 0 {
		h := w.store(w.filter.finish(w.options.Pace), false)
		metaindex.add([]byte(filterKey), h.append(nil))
	}
	metaindexHandle := w.store(metaindex.finish(), false)
	indexHandle := w.store(w.index.finish(), true)
	w.buf = appendFooter(w.buf, metaindexHandle, indexHandle)
	w.flush()
	if w.err != nil {
		return Stats{}, w.err
	}
	w.err = errFinished
	w.stats.Size = w.written
	return w.stats, nil
}

func (w *Writer) finishDataBlock() {
	w.pending = w.store(w.data.finish(), true)
	w.data.reset(max(2*w.options.BlockSize, writeSize))
	if len(w.buf) >= writeSize {
		w.flush()
	}
}

func (w *Writer) addIndexEntry(key []byte) {
	var value [20]byte
	w.index.add(key, w.pending.append(value[:0]))
}

// store appends a block with its trailer to the buffer, compressed where that saves an eighth.
func (w *Writer) store(contents []byte, compress bool) handle {
	start := len(w.buf)
	blockType := byte(blockPlain)
	if compress && !w.options.NoCompression {
		blockType = w.appendCompressed(contents)
	}
	if blockType == blockPlain {
		w.buf = append(w.buf, contents...)
	}
	h := handle{uint64(w.written) + uint64(start), uint64(len(w.buf) - start)}
	w.buf = appendTrailer(w.buf, w.buf[start:], blockType)
	return h
}

func (w *Writer) appendCompressed(contents []byte) byte {
	start := len(w.buf)
	w.buf = slices.Grow(w.buf, snappy.MaxEncodedLen(len(contents)))
	compressed := snappy.Encode(w.buf[start:cap(w.buf)], contents)
	if len(compressed) >= len(contents)-len(contents)/8 {
		return blockPlain
	}
	w.buf = w.buf[:start+len(compressed)]
	return blockSnappy
}

func (w *Writer) offset() int64 { return w.written + int64(len(w.buf)) }

func (w *Writer) flush() {
	n, err := w.out.Write(w.buf)
	w.written += int64(n)
	if err != nil {
		w.err = fmt.Errorf("write table at %d: %w", w.written, err)
	}
	if cap(w.buf) > 4*writeSize {
		w.buf = nil
	}
	w.buf = w.buf[:0]
}
