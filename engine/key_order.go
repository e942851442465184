package engine

import (
	"bytes"
	"sort"
)

// keyOrder sorts keys, and keeps its memory for the next ones. Most keys are told apart by eight
// bytes behind what all have in common: these are sorted by radix, which takes a fifth of the time
// of comparing in WebAssembly. It is for one goroutine.
type keyOrder struct{ places, spare []place }

// radixFrom is the number of keys from which counting bytes is worth the work beside.
const radixFrom = 64

// place is a key's index, and a number that orders as the key does where it differs.
type place struct {
	first uint64
	i     int
}

// of returns the places of n keys in the order of their bytes, and of equal ones the last first.
// They hold until the next call.
func (o *keyOrder) of(n int, key func(i int) []byte) []place {
	o.places = o.places[:0]
	if n == 0 {
		return nil
	}
	shared := key(0)
	for i := 1; i < n; i++ {
		shared = sharedBy(shared, key(i))
	}
	differing := uint64(0)
	for i := range n {
		first := firstBytes(key(i)[len(shared):])
		o.places = append(o.places, place{first, i})
		differing |= first ^ o.places[0].first
	}
	if n < radixFrom {
		sortByKey(o.places, key)
		return o.places
	}
	for shift := 0; shift < 64; shift += 8 {
		if differing>>shift&0xff != 0 {
			o.sortByByte(shift)
		}
	}
	for start, end := 0, 0; start < n; start = end {
		for end = start + 1; end < n && o.places[end].first == o.places[start].first; end++ {
		}
		if end > start+1 {
			sortByKey(o.places[start:end], key)
		}
	}
	return o.places
}

func sortByKey(places []place, key func(i int) []byte) {
	sort.Slice(places, func(i, j int) bool {
		a, b := places[i], places[j]
		if a.first != b.first {
			return a.first < b.first
		}
		c := bytes.Compare(key(a.i), key(b.i))
		return c < 0 || c == 0 && a.i > b.i
	})
}

// trim gives up memory for more than so many keys.
func (o *keyOrder) trim(most int) {
	if cap(o.places) > most {
		*o = keyOrder{}
	}
}

// sortByByte sorts by one byte of first, and leaves in order what is equal in it.
func (o *keyOrder) sortByByte(shift int) {
	var ends [256]int32
	for _, p := range o.places {
		ends[uint8(p.first>>shift)]++
	}
	end := int32(0)
	for b, n := range ends {
		ends[b] = end
		end += n
	}
	if cap(o.spare) < len(o.places) {
		o.spare = make([]place, cap(o.places))
	}
	o.spare = o.spare[:len(o.places)]
	for _, p := range o.places {
		b := uint8(p.first >> shift)
		o.spare[ends[b]] = p
		ends[b]++
	}
	o.places, o.spare = o.spare, o.places
}

// sharedBy returns the bytes that both begin with.
func sharedBy(a, b []byte) []byte {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// firstBytes returns the first eight bytes as a number, padded with zeros.
func firstBytes(s []byte) (first uint64) {
	for i := range 8 {
		first <<= 8
		if i < len(s) {
			first |= uint64(s[i])
		}
	}
	return first
}
