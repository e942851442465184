// Package workload makes random writes, flushes, compactions and reopenings of a store, and
// says afterwards whether the store holds what it must.
//
// Every write is a batch that sets the key "count" to the write's number, beside what else it
// does. So the count k that a store holds says which writes should be in it: it must hold
// exactly what write k was to leave. The number of a write that failed is not used again.
//
// A Workload is for one goroutine, but for Begun, Strict and Relaxed.
package workload
