//go:build js && wasm

package idbfs

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// List returns the names of the stores, in order.
func List() ([]string, error) {
	databases, err := databases()
	if err != nil {
		return nil, fmt.Errorf("list stores: %w", err)
	}
	var stores []string
	for _, database := range databases {
		if store, ok := strings.CutPrefix(database, databasePrefix); ok {
			stores = append(stores, store)
		}
	}
	sort.Strings(stores)
	return stores, nil
}

// Destroy deletes a store. It fails with vfs.ErrLocked if somebody holds its lock or keeps it
// open, and with vfs.ErrNotFound if there is no such store.
func Destroy(name string) error {
	if err := destroy(name); err != nil {
		return fmt.Errorf("destroy store %q: %w", name, err)
	}
	return nil
}

func destroy(name string) error {
	lock, err := takeWebLock(name)
	if err != nil {
		return err
	}
	defer lock.Close()
	databases, err := databases()
	if err != nil {
		return err
	}
	if !slices.Contains(databases, databasePrefix+name) {
		return vfs.ErrNotFound
	}
	return deleteDatabase(name, defaultTimeout)
}

func databases() ([]string, error) {
	factory := js.Global().Get("indexedDB")
	if !factory.Truthy() || !factory.Get("databases").Truthy() {
		return nil, fmt.Errorf("no list of databases here: %w", vfs.ErrIO)
	}
	infos, err := await(factory.Call("databases"))
	if err != nil {
		return nil, err
	}
	names := make([]string, infos.Length())
	for i := range names {
		names[i] = infos.Index(i).Get("name").String()
	}
	return names, nil
}

// availableSpace estimates how much the origin may still store; -1 if that is unknown.
func availableSpace() int64 {
	storage := js.Global().Get("navigator").Get("storage")
	if !storage.Truthy() || !storage.Get("estimate").Truthy() {
		return -1
	}
	estimate, err := await(storage.Call("estimate"))
	if err != nil || estimate.Get("quota").Type() != js.TypeNumber || estimate.Get("usage").Type() != js.TypeNumber {
		return -1
	}
	return max(0, int64(estimate.Get("quota").Float()-estimate.Get("usage").Float()))
}
