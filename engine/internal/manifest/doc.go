// Package manifest records which tables make up the store: LevelDB's MANIFEST and CURRENT.
//
// A Version is the set of tables at one moment, by level. An Edit is the step from one
// version to the next. A Set holds the current version and the store's counters, and keeps
// them in a manifest: a file in the log format, each record of which is an Edit. The first
// record rebuilds everything. CURRENT holds the manifest's name and a newline.
//
// An Edit is fields without order, each a tag and its content. Numbers are varints; bytes
// and keys have their length, a varint, before them; keys are internal keys.
//
//	tag  field            content
//	 1   comparator       bytes: its name
//	 2   log number       number: logs before it are in tables
//	 3   next file number number
//	 4   last sequence    number
//	 5   compact pointer  level | key: where the level's next compaction begins
//	 6   deleted file     level | file number
//	 7   new file         level | file number | size | smallest key | largest key
//	 9   prev log number  number: one more log to replay; 0: none
//
// What holds:
//
//  1. A Version never changes once it is built, nor do its tables.
//  2. Level 0 is ordered by file number, the newest first. The other levels are ordered by key,
//     and their tables are disjoint as to internal keys. Two neighbours may share a user key,
//     its newer entries in the first; varve writes none such, but LevelDB does.
//  3. An edit is in force when, and only when, it is durable in the manifest that CURRENT names.
//     If it can't be told whether a failed edit is, the tables of both outcomes are kept until
//     a fresh manifest has settled it.
//  4. A manifest is only ever appended to by the Set that created it, and not after a failure.
//  5. A table is in a Version, or in a reader's hands, or reported to OnObsolete; never two of
//     these.
//
// Versions and tables may be used by any number of goroutines. The methods of a Set that change
// or return the current version are serialised by the caller; each says so. No lock is held
// across I/O or a callback.
package manifest
