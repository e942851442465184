package sstable

import (
	"encoding/binary"

	"github.com/varvedb/varve/engine/internal/base"
)

// find returns the newest entry of target's user key at or behind target. The value shares
// the block's memory.
func (b *block) find(target []byte) (value []byte, kind base.Kind, found bool, err error) {
	c := comparison{user: base.UserKey(target)}
	entries, keyLen := b.entries, 0
	for offset := b.restartBefore(target); offset < len(entries); {
		// Most entries share more than what decides the order: a step past them calls nothing.
		var e entry
		if p := entries[offset:]; len(p) >= 3 && p[0]|p[1]|p[2] < 0x80 {
			e = shortEntry(p, offset)
		} else {
			e = decodeLongEntry(entries, offset)
		}
		if e.end > len(entries) || e.shared > keyLen {
			return nil, 0, false, errDamagedEntry
		}
		keyLen = e.shared + e.value - e.key
		if keyLen < base.TrailerLen {
			return nil, 0, false, errDamagedEntry
		}
		if e.shared <= c.matched || c.matched == len(c.user) {
			c.follow(e.shared, entries[e.key:e.value])
		}
		order := c.order(keyLen - base.TrailerLen)
		if order > 0 {
			return nil, 0, false, nil
		}
		if order == 0 && c.trailer() <= base.TrailerOf(target) {
			if c.trailer().Kind() > base.KindPut {
				return nil, 0, false, errDamagedEntry
			}
			return entries[e.value:e.end:e.end], c.trailer().Kind(), true, nil
		}
		offset = e.end
	}
	return nil, 0, false, nil
}

// comparison compares the keys of a run with one user key, from what each has unshared: a key
// that shares more with its predecessor than that had in common with the user key compares
// like it. No key is put together.
type comparison struct {
	user    []byte
	matched int                   // bytes of user that the current key begins with
	above   bool                  // the key's next byte is larger than user's
	behind  [base.TrailerLen]byte // the bytes of the key behind user, if it begins with user
}

// follow goes on to the key that has shared bytes of the current one and then rest.
func (c *comparison) follow(shared int, rest []byte) {
	if shared <= c.matched {
		n := sharedLen(rest, c.user[shared:])
		c.matched = shared + n
		c.above = n < len(rest) && c.matched < len(c.user) && rest[n] > c.user[c.matched]
	}
	switch {
	case c.matched < len(c.user):
	case shared <= len(c.user):
		copy(c.behind[:], rest[len(c.user)-shared:])
	case shared < len(c.user)+base.TrailerLen:
		copy(c.behind[shared-len(c.user):], rest)
	}
}

// order compares the first userLen bytes of the current key, its user key, with user.
func (c *comparison) order(userLen int) int {
	switch {
	case c.matched == len(c.user):
		return userLen - len(c.user)
	case userLen > c.matched && c.above:
		return +1
	}
	return -1
}

// trailer returns the current key's trailer, if its user key is user.
func (c *comparison) trailer() base.Trailer {
	return base.Trailer(binary.LittleEndian.Uint64(c.behind[:]))
}
