// Command crash panics some calls deep, after it has done what needs the runtime's tables: grown
// and collected stacks, recovered from panics, called methods by reflection, switched goroutines.
package main

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"time"
)

func main() {
	fmt.Println("recovered:", recovered(func() { inner(nil, 5) }))
	fmt.Println("recovered:", recovered(func() { _ = stringer(nil).String() }))
	fmt.Println("recovered:", recovered(func() { _ = measured(nil).String() }))
	fmt.Println("recovered:", recovered(func() { defer tooDeep(); panic("one call too deep") }))
	fmt.Println("recovered:", recovered(func() { defer deferred{1}.tooDeep(); panic("inlined into a wrapper") }))
	fmt.Println("recovered:", recovered(func() { defer deferred{1}.recover(); panic("recovered before") }))
	fmt.Println("grown:", grown(10_000))
	fmt.Println("reflected:", reflected())
	fmt.Println("passed on:", passedOn(40))
	fmt.Println("recovered midway:", recoveredMidway([]*pair{{1, nil}, nil, {2, &pair{3, nil}}}))
	outer([]int{1, 2, 3})
}

func recovered(f func()) (reason any) {
	defer func() { reason = recover() }()
	f()
	return nil
}

// stringer returns a nil pointer whose method takes a value.
//
//go:noinline
func stringer(d *time.Duration) fmt.Stringer { return d }

// measured returns a nil pointer whose method takes a value, and whose type's name is not ASCII.
//
//go:noinline
func measured(l *länge) fmt.Stringer { return l }

type länge float64

func (l länge) String() string { return fmt.Sprint(float64(l), "m") }

func recovers() { _ = recover() }

// tooDeep recovers from nothing: recover must be in the deferred function itself.
func tooDeep() { recovers() }

type deferred struct{ _ int }

func (deferred) tooDeep() { recovers() }
func (deferred) recover() { _ = recover() }

// grown fills a stack with pointers, moves it as it grows, and collects garbage at its end.
func grown(depth int) int {
	if depth == 0 {
		runtime.GC()
		return 0
	}
	kept := bytes.Repeat([]byte{1}, 3)
	defer func() { _ = len(kept) }()
	return grown(depth-1) + len(kept)
}

// reflected collects garbage in a method that is called by way of reflection.
func reflected() string {
	method := reflect.ValueOf(collector{"kept"}).MethodByName("Collect").Interface().(func([]byte, *int) string)
	n := 5
	return method(bytes.Repeat([]byte{'x'}, 2), &n)
}

type collector struct{ text string }

func (c collector) Collect(b []byte, n *int) string {
	runtime.GC()
	return fmt.Sprint(c.text, string(b), *n, grown(100))
}

// passedOn has goroutines wait for each other within loops, and collects garbage meanwhile.
func passedOn(n int) (sum int) {
	in := make(chan *pair)
	last := in
	for range n {
		from, to := last, make(chan *pair)
		last = to
		go func() {
			for p := range from {
				if p.n%10 == 0 {
					runtime.GC()
				}
				to <- &pair{p.n + 1, p}
			}
			close(to)
		}()
	}
	go func() {
		defer close(in)
		for i := range n {
			in <- &pair{i, nil}
		}
	}()
	for p := range last {
		for ; p != nil; p = p.next {
			sum += p.n
		}
	}
	return sum
}

type pair struct {
	n    int
	next *pair
}

// recoveredMidway goes on behind nil pointers and bad indexes with what it has so far.
func recoveredMidway(pairs []*pair) (found []string) {
	for i := range len(pairs) + 1 {
		func() {
			text := fmt.Sprint(i)
			defer func() {
				runtime.GC()
				found = append(found, text+fmt.Sprint(recover()))
			}()
			p := pairs[i]
			text += fmt.Sprint(":", p.n, " ")
			text += fmt.Sprint(p.next.n, " ")
		}()
	}
	return found
}

//go:noinline
func outer(s []int) { inner(s, len(s)) }

//go:noinline
func inner(s []int, i int) { fmt.Println(s[i]) }
