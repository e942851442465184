// Package engine is an ordered key-value store: a log-structured merge-tree over a vfs.FS.
//
// Writes go to a log and to a memtable; full memtables are flushed to sorted tables, which
// compactions merge down the levels. The files are LevelDB's formats, so that other LevelDB
// programs open what this engine writes, and the reverse.
//
// What a DB promises:
//
//  1. A Batch is atomic: a read sees all of it or nothing, and so does recovery.
//  2. A write is as safe as the Durability it asked for when it is acknowledged. What a crash
//     loses of the others is a suffix: no write is there without all that were acknowledged
//     before it.
//  3. A read sees the newest write that was issued before it, acknowledged or not. Snapshots
//     and iterators see the moment of the call that made them, for as long as they are open.
//  4. A write that failed is in no later read, snapshot, flush or recovery. The store stays
//     readable, and takes writes again when the cause is gone.
//  5. Bytes that fail their checksum are reported as *CorruptionError, never returned.
//
// A DB, a Snapshot, an Image and a Batch's readers may be used by any number of goroutines; a Batch
// that is being filled and an Iterator by one at a time. Slices passed in are not kept;
// slices passed out belong to the caller, but for those of an Iterator.
//
// Methods whose names begin with Try never wait: not for I/O, nor for a lock that another
// goroutine holds. They fail with ErrWouldWait instead, and so do the moves of an Iterator that
// is to try. All others may wait.
package engine
