// Package crash cuts a workload at every operation of its file system, and checks what a
// store recovers: all that was acknowledged as durable, nothing that was not begun, and no
// write without those before it.
package crash
