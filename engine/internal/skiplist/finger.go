package skiplist

import "github.com/varvedb/varve/engine/internal/base"

// Finger finds keys that come in ascending order, each from the place of the one before: near
// ones cost a few steps, whatever the list's length. It is for one goroutine.
type Finger struct {
	list   *List
	before [maxHeight]uint32 // at each level, a node before the last key, or head
}

// Reset puts the finger before all of l.
func (f *Finger) Reset(l *List) {
	f.list = l
	for level := range f.before {
		f.before[level] = head
	}
}

// Find returns the first entry at or behind (user, trailer), as List.Find does. The key must not be
// before that of the call before.
func (f *Finger) Find(user []byte, trailer base.Trailer) (key, value []byte, ok bool) {
	l := f.list
	level, height := 0, int(l.height.Load())
	after := load(l.next(f.before[0], 0))
	for after != head && l.compare(after, user, trailer) < 0 {
		if level++; level == height {
			after = head
			break
		}
		after = load(l.next(f.before[level], level))
	}
	// The key is between before and after of this level, and further on in all below.
	if level > 0 {
		before := f.before[level-1]
		for level--; level >= 0; level-- {
			before, after, _ = l.searchLevel(level, before, after, user, trailer)
			f.before[level] = before
		}
	}
	if after == head {
		return nil, nil, false
	}
	return l.key(after), l.value(after), true
}
