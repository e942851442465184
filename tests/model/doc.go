// Package model runs random programs against a store and against a sorted map that says what
// the store must answer.
//
// A program is a list of operations, one a line of text, so that a failing one can be shrunk,
// read, and kept in testdata. Its first line may be "options" with name=value pairs. Keys and
// values are quoted Go strings.
//
//	put KEY VALUE DURABILITY        del KEY DURABILITY
//	batch DURABILITY put KEY VALUE del KEY ...
//	clear LOWER UPPER               "" as a bound means none
//	ingest KEY VALUE KEY VALUE ...  keys ascending
//	get KEY    tryget KEY    has KEY    getmany KEY...
//	scan LOWER UPPER forward|reverse LIMIT
//	snapshot NAME    getat NAME KEY    scanat NAME LOWER UPPER forward|reverse LIMIT    release NAME
//	iterator NAME LOWER UPPER       first|last|next|prev NAME    seekge|seeklt NAME KEY    close NAME
//	sync    flush    compact LOWER UPPER    verify    check    reopen
package model
