// Package workload makes random writes, flushes, compactions and reopenings of a store, and
// says afterwards whether the store holds what it must.
//
// Every write but the deletion of a range sets the key "count" to the write's number, beside what
// else it does. So the count k that a store holds says which writes should be in it: it must hold
// exactly what write k was to leave, or what one of the deletions between k and the next count
// left. The number of a write that failed is not used again.
//
// A Workload is for one goroutine, but for Begun, Strict and Relaxed.
package workload
