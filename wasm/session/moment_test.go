package session

import (
	"strings"
	"testing"

	"github.com/varvedb/varve/wasm/frame"
)

func TestReadsThatWaitBehindAClearDontSeeWhatItRemoved(t *testing.T) {
	c, gate := coldClient(t)
	gate.shut()
	before := c.add(frame.Get, 0, "k", "")
	cleared := c.add(frame.Clear, 0, "k", "")
	many := c.addGetMany(0, "k", "fill0003")
	c.submit()
	gate.unshut()
	checkValues(t, "get before the clear", c.await(before), "old")
	checkValues(t, "clear", c.await(cleared), "")
	checkValues(t, "getMany behind it", c.await(many), "-", strings.Repeat("x", 200))
}

// What a snapshot sees can't be reclaimed, however long nothing is written.
func TestReadsThatHaveWaitedHoldNoSnapshot(t *testing.T) {
	c, _ := coldClient(t)
	checkValues(t, "get", c.do(frame.Get, 0, "k"), "old")
	c.session.awaitIdle()
	if n := c.session.db.Metrics().Snapshots; n != 0 {
		t.Errorf("%d snapshots are held", n)
	}
}
