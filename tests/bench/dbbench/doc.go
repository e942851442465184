// Package dbbench is the workloads of LevelDB's db_bench, under their names, for any ordered
// store: the command line's bench, the comparison with other engines and the benchmarks in
// WebAssembly run the same code.
//
// Keys are 16 decimal digits; values are printable and compress to about half. Both follow
// from the Config, so that two stores are given the same work in the same order.
//
//  1. A workload begins with a new store, or with what Prepare has put into one: every key
//     once, written in random order and compacted.
//  2. What a workload reads is checked: a store that is fast and wrong fails.
//  3. Only Run's own work counts as time, neither Prepare nor the closing of the store.
//
// A Store must be safe for concurrent use where Config.Threads is more than 1, and by
// readwhilewriting.
package dbbench
