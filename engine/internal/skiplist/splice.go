package skiplist

import "github.com/varvedb/varve/engine/internal/base"

// Splice remembers where the last Insert went: at each level, the neighbours of that place.
// The zero value remembers nothing. It is for one goroutine; it keeps its list's arena alive,
// and may go on to another list.
//
// Its levels nest: a level's neighbours are at or outside those of the level below. So if a
// key falls between the neighbours of one level, it does at all levels above.
type Splice struct {
	list          *List
	height        int // the number of levels that hold neighbours; 0: start anew
	before, after [maxHeight]uint32
}

// find moves the splice to the place of a key, in at least height levels. It reports whether
// the key is in the list; the splice then remembers nothing.
func (s *Splice) find(l *List, height int, user []byte, trailer base.Trailer) (exists bool) {
	height = max(height, int(l.height.Load()))
	if s.list != l || s.height < height {
		s.list, s.height = l, height
		return s.descend(height-1, head, head, user, trailer)
	}
	for level := range s.height {
		if s.encloses(level, user, trailer) {
			return s.descend(level, s.before[level], s.after[level], user, trailer)
		}
	}
	return s.descend(s.height-1, head, head, user, trailer)
}

// encloses reports whether the key falls between the neighbours of a level, both exclusive.
func (s *Splice) encloses(level int, user []byte, trailer base.Trailer) bool {
	before, after := s.before[level], s.after[level]
	return (before == head || s.list.compare(before, user, trailer) < 0) &&
		(after == head || s.list.compare(after, user, trailer) > 0)
}

func (s *Splice) descend(level int, before, after uint32, user []byte, trailer base.Trailer) (exists bool) {
	for ; level >= 0; level-- {
		before, after, exists = s.list.searchLevel(level, before, after, user, trailer)
		if exists {
			s.height = 0
			return true
		}
		s.before[level], s.after[level] = before, after
	}
	return false
}
