// Command trace panics with how it went to trace the execution of some goroutines.
package main

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/trace"
)

func main() {
	var events bytes.Buffer
	err := trace.Start(&events)
	done := make(chan bool)
	for range 10 {
		go func() { done <- true }()
		<-done
	}
	runtime.GC()
	trace.Stop()
	panic(fmt.Sprint("traced: ", events.Len() > 1000, ", error: ", err))
}
