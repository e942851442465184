package pace

import (
	"testing"
	"time"
)

func TestYieldsOnceASliceIsUsedUp(t *testing.T) {
	yields := 0
	p := New(func() bool { yields++; return false })
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
}

func TestSlicesAreShortWhileOthersAreServed(t *testing.T) {
	served := false
	p := New(func() bool { return served })
	expect := func(long bool, when string) {
		t.Helper()
		p.end = time.Time{}
		before := time.Now()
		p.Did(step)
		if long && p.end.Sub(before) < longSlice || !long && p.end.After(time.Now().Add(shortSlice)) {
			t.Errorf("the slice is not as expected %s", when)
		}
	}
	expect(true, "when nobody was served")
	served = true
	expect(false, "when others were served")
	served = false
	p.short = time.Now().Add(time.Hour)
	expect(false, "a moment after others were served")
	p.short = time.Now()
	expect(true, "long after others were served")
}

func TestWithoutYieldThereIsNothingToDo(t *testing.T) {
	New(nil).Did(10 * step)
}
