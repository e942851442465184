// Package compact decides what to compact, and merges tables.
//
// A compaction takes tables of one level and those of the next that overlap them, and puts
// their merged entries into new tables of the next level. A flush is the same work with a
// memtable as its input and level 0 as its output. A rewrite merges tables within their level.
//
//  1. All versions of a user key within a level move together: else an older version could
//     come to lie above a newer one.
//  2. An entry is dropped only if no snapshot, and no read that begins later, can see it:
//     a newer entry of its key lies in the same stripe between two snapshots, or it is a
//     tombstone that no snapshot precedes and below which the key does not exist.
//  3. All versions of a user key go into one table.
//  4. Tables are made durable before they are handed on; on failure none is left behind.
//  5. Compactions may run at once that have no table in common and don't collide.
//
// The functions keep no state; picking is for one goroutine at a time.
package compact
