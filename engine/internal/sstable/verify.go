package sstable

import (
	"errors"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/pace"
)

// Verify reads the whole table from the file and checks it: every checksum, the order of the
// keys, that the index bounds each block, that the filter has every key. It returns the
// number of entries, and the largest of their sequence numbers.
func (r *Reader) Verify(p *pace.Pacer) (entries int64, newest base.Seq, err error) {
	fresh := Reader{file: r.file, options: ReaderOptions{Name: r.options.Name}}
	if err := fresh.load(); err != nil {
		return 0, 0, err
	}
	return fresh.verifyBlocks(p)
}

func (r *Reader) verifyBlocks(p *pace.Pacer) (entries int64, newest base.Seq, err error) {
	var (
		ahead    readAhead
		contents []byte
		it       blockIterator
	)
	for i := range r.index.len() {
		if err := ahead.load(r, i, 1); err != nil {
			return entries, newest, err
		}
		h := r.index.handle(i)
		if contents, err = r.decodeBlock(contents, &ahead.window, h); err != nil {
			return entries, newest, err
		}
		it.reset(contents)
		n, seq, err := r.verifyBlock(&it, i)
		entries, newest = entries+n, max(newest, seq)
		if err != nil {
			return entries, newest, r.corrupt(h.offset, err)
		}
		p.Did(int(n))
	}
	return entries, newest, nil
}

func (r *Reader) verifyBlock(it *blockIterator, i int) (entries int64, newest base.Seq, err error) {
	var previous []byte
	if i > 0 {
		previous = append(previous, r.index.key(i-1)...)
	}
	restart := 0
	for ok := it.first(); ok; ok = it.next() {
		if restart < it.numRestarts() && it.restart(restart) == it.offset {
			if !it.isWhole(it.offset) {
				return entries, newest, errors.New("a restart shares a key")
			}
			restart++
		}
		if previous != nil && base.Compare(previous, it.key) >= 0 {
			return entries, newest, errors.New("keys are out of order")
		}
		if r.filter != nil && !r.filter.Test(base.UserKey(it.key)) {
			return entries, newest, errors.New("the filter lacks a key")
		}
		previous = append(previous[:0], it.key...)
		newest = max(newest, base.TrailerOf(it.key).Seq())
		entries++
	}
	switch {
	case it.damaged:
		return entries, newest, errDamagedEntry
	case entries > 0 && restart < it.numRestarts():
		return entries, newest, errors.New("a restart is not at an entry")
	case entries > 0 && base.Compare(previous, r.index.key(i)) > 0:
		return entries, newest, errors.New("a key lies behind that of the index")
	}
	return entries, newest, nil
}
