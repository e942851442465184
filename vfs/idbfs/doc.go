//go:build js && wasm

// Package idbfs is a vfs.FS in a browser's IndexedDB: one database for each store.
//
// The database is named "varve/" and the store's name, and has version 1 for good: a change
// of the format below changes meta's "format", so that no upgrade ever waits for another tab.
//
//	object store  key                    value
//	meta          "format"               1
//	              "epoch"                number of times that the store's lock was taken
//	              "made"                 whether files has one named CURRENT
//	              "closed"               the epoch whose owner was the last to close the store; where it
//	                                     matters, see loss.go
//	files         id, from 1 upwards     {name, sealed, paged, fenced, size, records}
//	pages         id * 2^20 + index      Uint8Array: the record's bytes, never empty
//	              index (id 0)           Uint8Array: a piece of the headroom, see headroom.go
//
//	name     ""; the file was removed, its records wait to be deleted
//	sealed   the file is complete, so that paged, size and records are known
//	paged    every record but the last has 32 KiB
//	fenced   pages has an empty record at index "records" of this file: see invariant 4
//
// A file is written in pages of 32 KiB until it is synced in mid-page. From then on it is not
// paged: a sync adds one record with what was written since the one before, cut so that
// browsers don't move it to a file of its own (from 64 KiB on that is five times as slow, up
// to 1 MiB). Tables are paged and read by the page; logs and manifests are not, and are read
// whole when they are opened.
//
//  1. A record is added once, under the next index of its file, and never changed. A sync of
//     a log is one transaction with one request.
//  2. A file's entry is added before its first record or in the same transaction, and deleted
//     after or with its last record: a record without an entry is a fence, and stays until there
//     are maxFences later ones. Other records without an entry are deleted by the next owner.
//  3. One transaction writes at a time, and takes with it everything that was synced or
//     changed in the directory before it began. Its requests are issued in one run. Only
//     transactions of a table's pages that no Sync waits for are under way two at a time; the next
//     other one begins when both have succeeded or their Writers are dead.
//  4. Who takes the lock increments the epoch and adds a fence, an empty record, behind the
//     last record of each unsealed file. One who lost the lock without noticing can no longer
//     add there, and finds the new epoch whenever it writes to the directory or connects anew.
//  5. Ids of files are not used again.
//  6. A file's records are deleted in slices, its entry with the last of them.
//  7. "made" changes in the transaction that adds or removes CURRENT. Where it is true and there is
//     no CURRENT, data was lost: such a database is damaged, and not an empty store.
//
// A database "varve-reclaim/" and the name of this one comes and goes: Chromium is made to
// give back what was deleted, a while after that (tidy.go) and before a write is refused (reclaim.go),
// and to begin a new log for what is written (loss.go). Where Chromium says that it threw the database of
// before away, the new one is made with "made" set, so that it stays damaged until it is destroyed. It
// says so of the first database that is made, though those of the whole origin are gone.
//
// An FS whose lock was never taken is not fenced: it is for readers and for tests.
//
// An FS is safe for concurrent use. Its mutex is never held across a wait, and callbacks from
// JavaScript take no lock. Bytes are copied at the boundary: no view of WebAssembly memory
// outlives a call.
package idbfs
