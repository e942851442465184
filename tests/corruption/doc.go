// Package corruption damages the files of a store, and checks that no read ever returns what
// was not written: it gives the right answer or a *engine.CorruptionError that names the file.
//
// What LevelDB's formats can't tell from a sound store is left out of that promise, and no
// more: a log is trimmed where it ends within its last record, as a crash leaves it; a log or
// a manifest that ends early, but at the end of a record, is one that never had more.
package corruption
