// Package sstable writes and reads tables: immutable files of sorted internal keys and their
// values, in LevelDB's table format.
//
//	table
//	  data block 1 | ... | data block n | filter block | metaindex block | index block | footer
//
//	block, as stored
//	  contents, perhaps compressed
//	  u8   type      0 plain, 1 Snappy
//	  u32  checksum  masked CRC32C of the stored contents and the type
//
//	contents of data, metaindex and index blocks
//	  entries, each
//	    varint shared    bytes of the key that equal the previous key's
//	    varint unshared  bytes of the key that follow
//	    varint length    of the value
//	    unshared bytes of the key | value
//	  u32 restart offsets, one for each entry with nothing shared by rule
//	  u32 number of restarts, at least 1
//
//	data block       internal key -> value
//	index block      key at or behind all of a data block, before all of the next -> handle
//	metaindex block  "filter." and the policy's name -> handle of the filter block
//	handle           varint offset | varint length, without type and checksum
//
//	filter block: LevelDB's, with one filter for the whole table
//	  u64 words of the bloom filter's bits | u8 number of hash functions
//	  u32 0, the filter's offset
//	  u32 offset of the previous field
//	  u8  31, the binary logarithm of the data bytes that a filter covers
//
//	footer, 48 bytes
//	  metaindex handle | index handle | zeros up to 40 bytes | u64 0xdb4775248b80fb57
//
// Fixed-width numbers are little-endian.
//
//  1. Bytes are used only after their checksum was found right, in every read from the file.
//  2. A damaged table gives *base.CorruptionError or the right answer. It causes no panic, and
//     no allocation beyond a constant times the file's size.
//  3. Index and filter are in memory while a Reader is open. A block in the cache is
//     uncompressed, has passed checkBlock, and is never modified.
//  4. The filter is asked before a block is read.
//
// A Reader is for any number of goroutines; a Writer and an Iterator for one at a time.
package sstable
