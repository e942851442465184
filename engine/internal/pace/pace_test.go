package pace

import (
	"testing"
	"time"
)

func TestYieldsOnceASliceIsUsedUp(t *testing.T) {
	yields := 0
	p := New(func() { yields++ })
	p.end = time.Now().Add(time.Hour)
	p.Did(10 * step)
	if yields != 0 {
		t.Fatalf("%d yields within a slice", yields)
	}
	p.end = time.Now()
	p.Did(step - 1)
	if yields != 0 {
		t.Fatalf("the clock was looked at after %d entries", step-1)
	}
	p.Did(1)
	if yields != 1 {
		t.Fatalf("%d yields at the end of a slice", yields)
	}
	if !p.end.After(time.Now().Add(-slice)) {
		t.Fatal("no new slice has begun")
	}
}

func TestWithoutYieldThereIsNothingToDo(t *testing.T) {
	New(nil).Did(10 * step)
}
