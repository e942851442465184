// Package crash cuts a workload at every operation of its file system, and checks what a
// store recovers.
//
// Every write of the workload is a batch that sets the key "count" to the write's number, beside
// what else it does. So the recovered count k says which writes should be there: the store must
// hold exactly what writes 1 to k leave, k must not be below the last write that was
// acknowledged as durable, nor above the last that was begun.
package crash
