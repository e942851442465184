//go:build js && wasm

package idbfs

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"syscall/js"
	"time"

	"github.com/varvedb/varve/vfs"
)

const (
	// blockedPatience is how long others may take to close a database that is to be deleted.
	// Those who listen do it at once.
	blockedPatience = 3 * time.Second

	// deleteTimeout bounds how long the browser may take to delete one.
	deleteTimeout = time.Minute
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
	sort.Slice(stores, func(i, j int) bool { return stores[i] < stores[j] })
	return stores, nil
}

// Destroy deletes a store. It fails with vfs.ErrNotFound if there is no such store, with
// vfs.ErrLocked at once if somebody holds its lock, and with vfs.ErrLocked after some seconds if
// somebody else keeps the database open. The browser then deletes it when that connection ends.
func Destroy(name string) error {
	if err := destroy(name, blockedPatience); err != nil {
		return fmt.Errorf("destroy store %q: %w", name, err)
	}
	return nil
}

func destroy(name string, patience time.Duration) error {
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
	return deleteDatabase(name, patience, deleteTimeout)
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
	var names []string
	for i := range infos.Length() {
		info := infos.Index(i)
		// WebKit lists what a refused Open has not made, with version 0.
		if info.Get("version").Int() > 0 {
			names = append(names, info.Get("name").String())
		}
	}
	return names, nil
}
