// Package pace divides long computing into slices, between which a host with one thread serves
// others.
package pace

import "time"

const (
	// longSlice is how long a Pacer lets its user compute while nobody else wants to.
	longSlice = 4 * time.Millisecond

	// shortSlice is that while others were served a moment ago: they wait for the end of a slice.
	shortSlice = 400 * time.Microsecond

	// patience is how long slices stay short after others were served.
	patience = 50 * time.Millisecond
)

// step is the number of entries after which the clock is looked at.
const step = 32

// Pacer yields between the slices of one goroutine's work. A nil Pacer never does.
type Pacer struct {
	yield func() (served bool)
	end   time.Time // of the slice
	short time.Time // until when slices are short
	done  int       // entries since the clock was looked at
}

// New begins a slice. yield ends each one; it may wait, and reports whether others were served
// meanwhile. If it is nil, so is the Pacer.
func New(yield func() (served bool)) *Pacer {
	if yield == nil {
		return nil
	}
	return &Pacer{yield: yield, end: time.Now().Add(shortSlice)}
}

// Did counts entries that were worked on, and yields if the slice is used up.
func (p *Pacer) Did(entries int) {
	if p == nil {
		return
	}
	if p.done += entries; p.done < step {
		return
	}
	p.done = 0
	if time.Now().Before(p.end) {
		return
	}
	served := p.yield()
	now := time.Now()
	if served {
		p.short = now.Add(patience)
	}
	p.end = now.Add(longSlice)
	if now.Before(p.short) {
		p.end = now.Add(shortSlice)
	}
}
