// Package merge presents several sorted iterators as one.
//
//  1. The result yields every entry of every input, in the order of internal keys.
//  2. Inputs may overlap, but no internal key stands in two of them, unless both hold the same
//     entry; then it is yielded once for each.
//  3. An error of one input ends the whole: an entry is never left out in silence.
//
// An Iterator is for one goroutine.
package merge

import "github.com/varvedb/varve/engine/internal/base"

// Iterator merges its inputs. It implements base.Iterator.
type Iterator struct {
	inputs  []base.Iterator
	heap    []entry // valid inputs, the next one to yield first
	reverse bool
	err     error
}

type entry struct {
	key  []byte
	iter base.Iterator
}

var _ base.Iterator = (*Iterator)(nil)

// New returns the merger of inputs, which it takes over and closes. A single input is
// returned as it is.
func New(inputs ...base.Iterator) base.Iterator {
	if len(inputs) == 1 {
		return inputs[0]
	}
	return &Iterator{inputs: inputs, heap: make([]entry, 0, len(inputs))}
}

// First moves to the smallest entry.
func (m *Iterator) First() bool {
	return m.rebuild(false, func(it base.Iterator) bool { return it.First() })
}

// Last moves to the largest entry.
func (m *Iterator) Last() bool {
	return m.rebuild(true, func(it base.Iterator) bool { return it.Last() })
}

// SeekGE moves to the first entry at or behind key.
func (m *Iterator) SeekGE(key []byte) bool {
	return m.rebuild(false, func(it base.Iterator) bool { return it.SeekGE(key) })
}

// SeekLT moves to the last entry before key.
func (m *Iterator) SeekLT(key []byte) bool {
	return m.rebuild(true, func(it base.Iterator) bool { return it.SeekLT(key) })
}

func (m *Iterator) rebuild(reverse bool, position func(base.Iterator) bool) bool {
	m.reverse, m.err = reverse, nil
	m.heap = m.heap[:0]
	for _, it := range m.inputs {
		if position(it) {
			m.heap = append(m.heap, entry{it.Key(), it})
		} else if m.err = it.Error(); m.err != nil {
			return m.fail()
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.siftDown(i)
	}
	return len(m.heap) > 0
}

// Next moves to the next larger entry.
func (m *Iterator) Next() bool {
	if m.reverse {
		return m.turn(false)
	}
	top := &m.heap[0]
	return m.replaceTop(top.iter.Next())
}

// Prev moves to the next smaller entry.
func (m *Iterator) Prev() bool {
	if !m.reverse {
		return m.turn(true)
	}
	top := &m.heap[0]
	return m.replaceTop(top.iter.Prev())
}

func (m *Iterator) replaceTop(valid bool) bool {
	top := &m.heap[0]
	if valid {
		top.key = top.iter.Key()
	} else {
		if m.err = top.iter.Error(); m.err != nil {
			return m.fail()
		}
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
	}
	if len(m.heap) > 1 {
		m.siftDown(0)
	}
	return len(m.heap) > 0
}

// turn changes direction: every other input is brought to the far side of the current
// entry, then the current one is left behind.
func (m *Iterator) turn(reverse bool) bool {
	current := m.heap[0].iter
	key := append([]byte(nil), m.heap[0].key...)
	return m.rebuild(reverse, func(it base.Iterator) bool {
		switch {
		case it == current && reverse:
			return it.Prev()
		case it == current:
			return it.Next()
		case reverse:
			return it.SeekLT(key)
		default:
			return it.SeekGE(key)
		}
	})
}

func (m *Iterator) fail() bool {
	m.heap = m.heap[:0]
	return false
}

func (m *Iterator) siftDown(i int) {
	heap := m.heap
	moving := heap[i]
	for {
		child := 2*i + 1
		if child >= len(heap) {
			break
		}
		if child+1 < len(heap) && m.before(heap[child+1].key, heap[child].key) {
			child++
		}
		if !m.before(heap[child].key, moving.key) {
			break
		}
		heap[i] = heap[child]
		i = child
	}
	heap[i] = moving
}

func (m *Iterator) before(a, b []byte) bool {
	if m.reverse {
		return base.Compare(a, b) > 0
	}
	return base.Compare(a, b) < 0
}

// Valid reports whether the iterator stands on an entry.
func (m *Iterator) Valid() bool { return len(m.heap) > 0 }

// Key returns the current internal key.
func (m *Iterator) Key() []byte { return m.heap[0].key }

// Value returns the current value.
func (m *Iterator) Value() []byte { return m.heap[0].iter.Value() }

// Error returns the first error of an input since the iterator was positioned.
func (m *Iterator) Error() error { return m.err }

// Close closes every input and returns the first error.
func (m *Iterator) Close() error {
	var first error
	for _, it := range m.inputs {
		if err := it.Close(); err != nil && first == nil {
			first = err
		}
	}
	m.inputs, m.heap = nil, nil
	return first
}
