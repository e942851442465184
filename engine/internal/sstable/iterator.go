package sstable

import (
	"github.com/varvedb/varve/engine/internal/base"
)

// Iterator walks a table's entries. It implements base.Iterator.
type Iterator struct {
	r    *Reader
	fill bool
	mode *Mode // nil: Wait

	index int // of the data block
	block blockIterator
	err   error

	ahead readAhead
	own   []byte // memory for blocks that don't enter the cache
}

var _ base.Iterator = (*Iterator)(nil)

// noBlock is far from every block, so that the first one to be read follows none.
const noBlock = -2

// NewIterator returns an iterator. fill says whether the blocks it reads enter the cache, and whether
// those that are there count as used. The Reader must stay open until the iterator is closed.
func (r *Reader) NewIterator(fill bool) *Iterator {
	it := new(Iterator)
	it.Reset(r, fill, nil)
	return it
}

// Reset makes it a new iterator over r, as NewIterator does, that keeps its buffers. Unless mode is
// nil, each move reads as *mode says at its time.
func (it *Iterator) Reset(r *Reader, fill bool, mode *Mode) {
	it.r, it.fill, it.mode = r, fill, mode
	it.index, it.err = noBlock, nil
}

// First moves to the smallest entry.
func (it *Iterator) First() bool {
	return it.load(0) && (it.block.first() || it.enterNextBlock())
}

// Last moves to the largest entry.
func (it *Iterator) Last() bool {
	return it.load(it.r.index.len()-1) && (it.block.last() || it.enterPreviousBlock())
}

// SeekGE moves to the first entry at or behind key.
func (it *Iterator) SeekGE(key []byte) bool {
	return it.load(it.r.index.search(key)) && (it.block.seekGE(key) || it.enterNextBlock())
}

// SeekLT moves to the last entry before key.
func (it *Iterator) SeekLT(key []byte) bool {
	i := min(it.r.index.search(key), it.r.index.len()-1)
	return it.load(i) && (it.block.seekLT(key) || it.enterPreviousBlock())
}

// Next moves to the next larger entry.
func (it *Iterator) Next() bool { return it.block.next() || it.enterNextBlock() }

// Prev moves to the next smaller entry.
func (it *Iterator) Prev() bool { return it.block.prev() || it.enterPreviousBlock() }

// Valid reports whether the iterator stands on an entry.
func (it *Iterator) Valid() bool { return it.block.valid }

// Key returns the current internal key.
func (it *Iterator) Key() []byte { return it.block.key }

// Value returns the current value.
func (it *Iterator) Value() []byte { return it.block.value }

// Error returns why the last move failed, or nil if the entries ended.
func (it *Iterator) Error() error { return it.err }

// Close gives up the blocks that the iterator holds. It returns nil.
func (it *Iterator) Close() error {
	it.leave()
	it.ahead = readAhead{}
	it.own = nil
	return nil
}

// enterNextBlock moves to the first entry behind the current block. Damage in that block ends the walk.
func (it *Iterator) enterNextBlock() bool {
	for it.intact() && it.load(it.index+1) {
		if it.block.first() {
			return true
		}
	}
	return false
}

// enterPreviousBlock moves to the last entry before the current block, likewise.
func (it *Iterator) enterPreviousBlock() bool {
	for it.intact() && it.load(it.index-1) {
		if it.block.last() {
			return true
		}
	}
	return false
}

// intact turns damage that a move within the block met into an error.
func (it *Iterator) intact() bool {
	if it.block.damaged {
		it.err = it.r.corrupt(it.r.index.blocks[it.index].offset, errDamagedEntry)
	}
	return !it.block.damaged
}

// load makes data block i the current one. It returns false if there is none or it can't be read.
func (it *Iterator) load(i int) bool {
	it.err = nil
	if i == it.index {
		return true
	}
	if i < 0 || i >= it.r.index.len() {
		it.leave()
		return false
	}
	contents, err := it.read(i)
	if err != nil {
		it.leave()
		it.err = err
		return false
	}
	it.index = i
	it.block.reset(contents)
	return true
}

func (it *Iterator) read(i int) ([]byte, error) {
	if contents, ok := it.r.cached(i, it.fill); ok {
		return contents, nil
	}
	if it.mode != nil && *it.mode == Try {
		return it.r.tryBlock(i, it.fill)
	}
	step := i - it.index
	if it.fill {
		return it.r.fill(i, func() ([]byte, error) { return it.readAhead(nil, i, step) })
	}
	contents, err := it.readAhead(it.own, i, step)
	it.own = contents
	return contents, err
}

func (it *Iterator) readAhead(dst []byte, i, step int) ([]byte, error) {
	if err := it.ahead.load(it.r, i, step); err != nil {
		return nil, err
	}
	return it.r.decodeBlock(dst, &it.ahead.window, it.r.index.handle(i))
}

// leave drops the current block.
func (it *Iterator) leave() {
	it.index = noBlock
	it.block.clear()
}
