// Command crash panics some calls deep, after it has recovered from another panic.
package main

import "fmt"

func main() {
	fmt.Println("recovered:", recovering())
	outer([]int{1, 2, 3})
}

func recovering() (reason any) {
	defer func() { reason = recover() }()
	inner(nil, 5)
	return nil
}

//go:noinline
func outer(s []int) { inner(s, len(s)) }

//go:noinline
func inner(s []int, i int) { fmt.Println(s[i]) }
