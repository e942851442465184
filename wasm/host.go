//go:build js && wasm

package main

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/idbfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/session"
)

// host is what JavaScript offers, as a session wants it.
type host struct{ module *moduleState }

// OpenFS implements session.Host.
func (host) OpenFS(store, storage string, mustExist bool, cacheSize int64) (vfs.FS, error) {
	switch storage {
	case "idb":
		putOffCollection(4 * cacheSize) // the rest of the memory that the store is given
		fs, err := idbfs.Open(store, idbfs.Options{MustExist: mustExist, Lock: true, CacheSize: cacheSize})
		switch {
		case errors.Is(err, vfs.ErrNotFound):
			return nil, fmt.Errorf("open store %q: %w", store, engine.ErrNoStore)
		case errors.Is(err, idbfs.ErrFormat):
			return nil, fmt.Errorf("%w: %w", session.ErrUnsupported, err)
		case err != nil:
			return nil, err
		}
		return fs, nil
	case "dir":
		return openDirectory(store, mustExist)
	case "memory":
		return memfs.New(), nil
	}
	return nil, fmt.Errorf("storage %q: %w", storage, session.ErrUnsupported)
}

// Destroy implements session.Host.
func (host) Destroy(store string) error {
	if err := idbfs.Destroy(store); !errors.Is(err, vfs.ErrNotFound) {
		return err
	}
	return nil
}

// List implements session.Host.
func (host) List() ([]string, error) { return idbfs.List() }

// Respond implements session.Host.
func (host) Respond(head, body []byte) {
	respond(unsafe.Pointer(unsafe.SliceData(head)), uint32(len(head)),
		unsafe.Pointer(unsafe.SliceData(body)), uint32(len(body)))
}

// Yield implements session.Host.
func (h host) Yield() {
	done := make(chan struct{})
	h.module.mu.Lock()
	h.module.yielding = append(h.module.yielding, done)
	h.module.mu.Unlock()
	yield()
	<-done
}
