//go:build js && wasm && !varve_host

package idbfs

// newPageStore returns what works in every host. A module built with the tag varve_host needs a
// host that supplies the functions of host_pages.go, and is twice as fast.
func newPageStore(db *database) pageStore { return db }
