package memfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Keep says what a crash spares of that which it may take.
type Keep struct {
	// Rand decides what survives of the bytes, names and removals that were not synced: of
	// the bytes of a file a prefix. If it is nil, no such byte or name survives, and no
	// removal comes undone.
	Rand *rand.Rand

	// PowerLoss puts at risk, too, the relaxed syncs since the last Strict Sync or Rename:
	// of their sequence over all files a prefix survives, its last sync perhaps in part. Rand
	// then puts zeros in the place of some of the bytes that are lost.
	PowerLoss bool
}

// upTo returns how much survives of n things that are lost from the end.
// None and all are the cases that matter most, so they are the most likely.
func (k Keep) upTo(n int) int {
	if k.Rand == nil {
		return 0
	}
	switch k.Rand.IntN(4) {
	case 0:
		return 0
	case 1:
		return n
	}
	return k.Rand.IntN(n + 1)
}

func (k Keep) chance() bool { return k.Rand != nil && k.Rand.IntN(2) == 0 }

// content returns what survives of written, the first bytes of it for certain.
func (k Keep) content(written []byte, certain int) []byte {
	length := certain + k.upTo(len(written)-certain)
	if length == len(written) || !k.PowerLoss || !k.chance() {
		return written[:length:length]
	}
	// The medium made the file longer before it wrote the sectors that were to be there.
	kept := max(certain, length/sectorSize*sectorSize)
	found := make([]byte, kept+k.upTo(len(written)-kept))
	copy(found, written[:kept])
	return found
}

// Crash returns the FS that is found after a crash at this moment: unlocked, nothing open,
// everything in it durable. fs itself goes on unaffected.
func (fs *FS) Crash(keep Keep) *FS {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	cut := len(fs.journal)
	if keep.PowerLoss {
		cut = keep.upTo(cut)
	}
	s := fs.survivorsOf(cut)
	found := New()
	for _, name := range s.names(fs.files) {
		live, old := fs.files[name], s.directory[name]
		f := old
		if live != old {
			switch {
			case live != nil && s.mayExist(live) && keep.chance():
				f = live
			case !keep.chance():
				f = nil
			}
		}
		if f != nil {
			found.addDurable(name, keep.content(f.data[:s.limit(f)], s.length(f)))
		}
	}
	return found
}

// survivors is what is left by a crash that cuts the journal.
type survivors struct {
	directory map[string]*file
	lengths   map[*file]int // of the files that the kept part of the journal synced
	limits    map[*file]int // of the files that the lost part synced: what may survive at most
	torn      *file         // the file of the first lost sync, which may survive in part
}

func (fs *FS) survivorsOf(cut int) survivors {
	s := survivors{
		directory: maps.Clone(fs.settled),
		lengths:   make(map[*file]int),
		limits:    make(map[*file]int),
	}
	for _, p := range fs.journal[:cut] {
		s.lengths[p.file] = p.length
		if p.name != "" && !p.file.gone {
			s.directory[p.name] = p.file
		}
	}
	for i, p := range fs.journal[cut:] {
		if _, ok := s.limits[p.file]; ok {
			continue
		}
		if i == 0 {
			s.torn = p.file
			s.limits[p.file] = p.length
		} else {
			// A byte of this sync must not outlive the lost ones before it.
			s.limits[p.file] = s.length(p.file)
		}
	}
	return s
}

// names returns every name that may be found, in an order that does not depend on chance.
func (s survivors) names(live map[string]*file) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(live)), maps.Keys(s.directory))
	slices.Sort(names)
	return slices.Compact(names)
}

// length returns how many bytes of f survive for certain.
func (s survivors) length(f *file) int {
	if n, ok := s.lengths[f]; ok {
		return n
	}
	return f.settled
}

// limit returns how many bytes of f survive at most.
func (s survivors) limit(f *file) int {
	if n, ok := s.limits[f]; ok {
		return n
	}
	return len(f.data)
}

// mayExist reports whether a file without a durable name may be found.
func (s survivors) mayExist(f *file) bool {
	_, lost := s.limits[f]
	return !lost || f == s.torn
}

func (fs *FS) addDurable(name string, data []byte) {
	f := &file{data: data, synced: len(data), settled: len(data)}
	fs.files[name], fs.settled[name] = f, f
}

// Clone returns an open and unlocked copy of the FS as it is now, with what was written and
// not yet synced, and the same left to lose: what is found when the process ends, but
// not the operating system. Nothing is open in it.
func (fs *FS) Clone() *FS {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	copies := make(map[*file]*file)
	copyOf := func(f *file) *file {
		if copies[f] == nil {
			c := *f
			c.data = slices.Clip(c.data)
			c.writing = false
			copies[f] = &c
		}
		return copies[f]
	}
	clone := New()
	for name, f := range fs.files {
		clone.files[name] = copyOf(f)
	}
	for name, f := range fs.settled {
		clone.settled[name] = copyOf(f)
	}
	for _, p := range fs.journal {
		p.file = copyOf(p.file)
		clone.journal = append(clone.journal, p)
	}
	for _, f := range fs.removed {
		clone.removed = append(clone.removed, copyOf(f))
	}
	return clone
}
