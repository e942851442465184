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
