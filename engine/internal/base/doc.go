// Package base holds the vocabulary that the engine's packages share: the internal key and
// its order, sequence numbers, file names, the iterator over internal keys, and errors.
//
// An internal key is LevelDB's:
//
//	user key | trailer: 8 bytes, little-endian: sequence number << 8 | kind
//
// Internal keys order by user key bytewise, then by trailer downwards, so that the newest
// entry of a user key comes first. The name of that order in a manifest is ComparerName.
package base

// ComparerName is the comparator's name in a manifest.
const ComparerName = "leveldb.BytewiseComparator"

// NumLevels is the number of levels of the tree.
const NumLevels = 7
