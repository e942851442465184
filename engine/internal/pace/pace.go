// Package pace divides long computing into slices, between which a host with one thread serves
// others.
package pace

import "time"

// slice is how long a Pacer lets its user compute.
const slice = 4 * time.Millisecond

// step is the number of entries after which the clock is looked at.
const step = 128

// Pacer yields between the slices of one goroutine's work. A nil Pacer never does.
type Pacer struct {
	yield func()
	end   time.Time // of the slice
	done  int       // entries since the clock was looked at
}

// New begins a slice. yield ends each one; it may wait. If it is nil, so is the Pacer.
func New(yield func()) *Pacer {
	if yield == nil {
		return nil
	}
	return &Pacer{yield: yield, end: time.Now().Add(slice)}
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
	p.yield()
	p.end = time.Now().Add(slice)
}
