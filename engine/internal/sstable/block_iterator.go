package sstable

import (
	"sort"

	"github.com/varvedb/varve/engine/internal/base"
)

// blockIterator walks the entries of a data block.
//
// Entries can only be decoded forwards, from a restart. To go back, the iterator decodes a
// whole run of entries once and notes at each what the previous key had beyond the shared
// part: these notes take no more bytes than the run itself, and undo a step each.
type blockIterator struct {
	block
	offset int // of the current entry
	end    int // of the current entry
	key    []byte
	value  []byte

	steps []step // from the run's first entry to the current one, or empty
	tails []byte // what those steps cut off the keys

	valid   bool
	damaged bool
}

// step is how to return from an entry to the previous one of its run.
type step struct {
	offset, value int // of the previous entry
	shared        int // bytes that the keys share
	tail          int // where the rest of the previous key begins in tails
}

// reset makes the iterator walk another block, unpositioned. It keeps its buffers.
func (it *blockIterator) reset(contents []byte) {
	it.block = newBlock(contents)
	it.valid, it.damaged = false, false
}

// clear drops the block.
func (it *blockIterator) clear() {
	it.block = block{}
	it.startAt(0)
	it.offset, it.value = 0, nil
}

func (it *blockIterator) first() bool {
	it.startAt(0)
	return it.advance(false)
}

func (it *blockIterator) last() bool { return it.lastBefore(len(it.entries)) }

func (it *blockIterator) next() bool {
	if len(it.steps) > 0 {
		it.forgetSteps()
	}
	return it.advance(false)
}

func (it *blockIterator) prev() bool {
	if len(it.steps) > 0 {
		it.stepBack()
		return true
	}
	return it.lastBefore(it.offset)
}

// seekGE moves to the first entry at or behind key.
func (it *blockIterator) seekGE(key []byte) bool {
	it.startAt(it.restartBefore(key))
	for it.advance(false) {
		if base.Compare(it.key, key) >= 0 {
			return true
		}
	}
	return false
}

// seekLT moves to the last entry before key.
func (it *blockIterator) seekLT(key []byte) bool {
	it.startAt(it.restartBefore(key))
	if !it.advance(false) {
		return false
	}
	if base.Compare(it.key, key) >= 0 {
		it.valid = false
		return false
	}
	for it.end < len(it.entries) && it.advance(true) {
		if base.Compare(it.key, key) >= 0 {
			it.stepBack()
			break
		}
	}
	return it.valid
}

// lastBefore moves to the entry that ends where another one, or the entries, begin or end.
func (it *blockIterator) lastBefore(end int) bool {
	if end == 0 {
		it.valid = false
		return false
	}
	// Restart 0 is at 0, so that there is one before end.
	run := sort.Search(it.numRestarts(), func(i int) bool { return it.restart(i) >= end }) - 1
	it.startAt(it.restart(run))
	for it.advance(it.valid) && it.end < end { // valid from the run's second entry on
	}
	if it.valid && it.end != end {
		return it.damage()
	}
	return it.valid
}

// startAt makes advance move to the restart at offset.
func (it *blockIterator) startAt(offset int) {
	it.forgetSteps()
	it.valid, it.damaged = false, false
	it.key = it.key[:0]
	it.end = offset
}

// advance moves to the entry behind the current one. record notes the way back to it.
func (it *blockIterator) advance(record bool) bool {
	offset := it.end
	if offset >= len(it.entries) {
		it.valid = false
		return false
	}
	e, ok := decodeEntry(it.entries, offset)
	if !ok || e.shared > len(it.key) {
		return it.damage()
	}
	if record {
		it.steps = append(it.steps, step{it.offset, it.end - len(it.value), e.shared, len(it.tails)})
		it.tails = append(it.tails, it.key[e.shared:]...)
	}
	it.key = append(it.key[:e.shared], it.entries[e.key:e.value]...)
	if !base.ValidInternalKey(it.key) {
		return it.damage()
	}
	it.value = it.entries[e.value:e.end:e.end]
	it.offset, it.end = offset, e.end
	it.valid = true
	return true
}

func (it *blockIterator) stepBack() {
	top := len(it.steps) - 1
	s := it.steps[top]
	it.steps = it.steps[:top]
	it.key = append(it.key[:s.shared], it.tails[s.tail:]...)
	it.tails = it.tails[:s.tail]
	it.value = it.entries[s.value:it.offset:it.offset]
	it.offset, it.end = s.offset, it.offset
}

func (it *blockIterator) forgetSteps() {
	it.steps = it.steps[:0]
	it.tails = it.tails[:0]
}

func (it *blockIterator) damage() bool {
	it.valid, it.damaged = false, true
	return false
}
