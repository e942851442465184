//go:build js && wasm

package idbfs

import "syscall/js"

// await waits for a promise.
func await(promise js.Value) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	settled := make(chan outcome, 1)
	fulfilled := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{value: args[0]}
		return nil
	})
	defer fulfilled.Release()
	rejected := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{err: newException(args[0])}
		return nil
	})
	defer rejected.Release()
	promise.Call("then", fulfilled, rejected)
	result := <-settled
	return result.value, result.err
}
