//go:build js && wasm

// Command wasm is varve's engine as a WebAssembly module: the boundary between JavaScript and
// a session.
//
// The host and the module call each other by these functions only:
//
//	export varve_buffer(n) ptr    memory for a request frame of n bytes, until the next call
//	export varve_submit(n) woke   takes the frame that was put there; 1: goroutines wait to run
//	export varve_tick()           ends the yields that the host was asked for
//	import varve.respond(head, headLen, body, bodyLen)   a response frame in two parts
//	import varve.yield()          asks for varve_tick, when the host has served its events
//
// What holds on both sides:
//
//  1. No export waits: one that did would corrupt the Go runtime. Goroutines that an export
//     made runnable run when the host resumes the Go scheduler.
//  2. The host copies a response frame before respond returns, and calls no export meanwhile.
//  3. Memory may have moved after each call into the module.
package main

import (
	"sync"
	"unsafe"

	"github.com/varvedb/varve/wasm/session"
)

//go:wasmimport varve respond
func respond(head unsafe.Pointer, headLen uint32, body unsafe.Pointer, bodyLen uint32)

//go:wasmimport varve yield
func yield()

// maxKept bounds the request buffer that is kept for the next frame.
const maxKept = 4 << 20

// module is the state behind the exports, which have no receiver.
var module = newModule()

type moduleState struct {
	session  *session.Session
	requests []byte

	mu       sync.Mutex // held across no wait
	yielding []chan struct{}
}

func newModule() *moduleState {
	m := &moduleState{}
	m.session = session.New(host{m})
	return m
}

//go:wasmexport varve_buffer
func buffer(n uint32) unsafe.Pointer {
	if cap(module.requests) < int(n) || cap(module.requests) > maxKept {
		module.requests = make([]byte, n)
	}
	module.requests = module.requests[:n]
	return unsafe.Pointer(unsafe.SliceData(module.requests))
}

//go:wasmexport varve_submit
func submit(n uint32) uint32 {
	woke, err := module.session.Submit(module.requests[:n])
	if err != nil {
		panic("varve: " + err.Error())
	}
	if woke {
		return 1
	}
	return 0
}

//go:wasmexport varve_tick
func tick() {
	module.mu.Lock()
	defer module.mu.Unlock()
	for _, done := range module.yielding {
		close(done)
	}
	module.yielding = nil
}

func main() { select {} }
