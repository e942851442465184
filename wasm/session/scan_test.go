package session

import (
	"fmt"
	"testing"

	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

// An answer without an entry says that the scan has ended.
func TestScanThatWantsNothingIsRefused(t *testing.T) {
	refused := fmt.Sprintf("error %d", frame.InvalidArgument)
	c := openClient(t, memfs.New())
	c.add(frame.Put, 0, "a", "va")
	c.add(frame.Put, 0, "b", "vb")
	open := c.addScan(1, scanOf{limit: frame.NoLimit, wanted: 0})
	c.submit()
	checkValues(t, "open", c.await(open), refused)
	checkValues(t, "export", c.do(frame.Export, 1, numbers(0)), refused)

	open = c.addScan(1, scanOf{limit: frame.NoLimit, wanted: 1})
	c.submit()
	checkValues(t, "open with the handle of what was refused", c.await(open), "va")
	checkValues(t, "next", c.do(frame.ScanNext, 1, numbers(0)), refused)
	checkValues(t, "next after what was refused", c.do(frame.ScanNext, 1, numbers(1)), "vb")
}

func TestHandlesInUseAreRefused(t *testing.T) {
	refused := fmt.Sprintf("error %d", frame.InvalidArgument)
	c := openClient(t, memfs.New())
	c.put("a", "1")
	c.put("b", "2")
	all := scanOf{limit: frame.NoLimit, wanted: 1}
	first := c.addScan(1, all)
	again := c.addScan(1, all)
	none := c.addScan(0, all)
	c.submit()
	checkValues(t, "scan", c.await(first), "1")
	checkValues(t, "another by its handle", c.await(again), refused)
	checkValues(t, "one without a handle", c.await(none), refused)
	checkValues(t, "export by its handle", c.do(frame.Export, 1, numbers(1000)), refused)
	checkValues(t, "next", c.do(frame.ScanNext, 1, numbers(1)), "2")

	checkValues(t, "snapshot", c.do(frame.SnapOpen, 1, ""), "")
	c.put("a", "later")
	checkValues(t, "another by its handle", c.do(frame.SnapOpen, 1, ""), refused)
	checkValues(t, "one without a handle", c.do(frame.SnapOpen, 0, ""), refused)
	checkValues(t, "get in the first", c.do(frame.Get, 1, "a"), "1")
}
