// Package fault makes each operation of a store's file system fail in turn, and checks that
// the store does what it promises: the caller is told, a write that failed is not to be seen
// again, nothing acknowledged is lost, and all works again when the fault ends. Natively the
// file system is in memory, in a browser it is IndexedDB.
package fault
