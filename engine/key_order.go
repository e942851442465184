package engine

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
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
	compare := func(a, b place) int {
		if c := cmp.Compare(a.first, b.first); c != 0 {
			return c
		}
		return cmp.Or(bytes.Compare(key(a.i), key(b.i)), b.i-a.i)
	}
	if n < radixFrom {
		slices.SortFunc(o.places, compare)
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
		slices.SortFunc(o.places[start:end], compare)
	}
	return o.places
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
	o.spare = slices.Grow(o.spare[:0], len(o.places))[:len(o.places)]
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
func firstBytes(s []byte) uint64 {
	if len(s) >= 8 {
		return bits.ReverseBytes64(binary.LittleEndian.Uint64(s))
	}
	var padded [8]byte
	copy(padded[:], s)
	return binary.BigEndian.Uint64(padded[:])
}
