package osfs

import (
	"errors"
	"io"
	"path/filepath"
	"syscall/js"

	"github.com/varvedb/varve/vfs"
)

// Flags of open for which Node has no names.
const (
	nonBlocking   = 0x4  // O_NONBLOCK of macOS and the BSDs
	exclusiveLock = 0x20 // O_EXLOCK of macOS and the BSDs: flock
)

// lockFile takes a lock that excludes every other open of the directory, in this process and
// elsewhere, and that ends with the process. Node has no flock. On Linux, a name that only one
// socket may have does as well: see claimName.
func lockFile(path string) (io.Closer, error) {
	node := node{js.Global().Get("process"), js.Global().Get("fs")}
	if node.process.Get("platform").String() == "linux" {
		return node.claim(filepath.Dir(path))
	}
	return node.openLocked(path)
}

// node is what Node offers beside what package os makes use of.
type node struct{ process, fs js.Value }

func (n node) openLocked(path string) (io.Closer, error) {
	constants := n.fs.Get("constants")
	flags := constants.Get("O_RDWR").Int() | constants.Get("O_CREAT").Int() | exclusiveLock | nonBlocking
	descriptor, err := call(n.fs, "openSync", path, flags, 0o644)
	if err != nil {
		return nil, lockError(err)
	}
	return held(func() { n.fs.Call("closeSync", descriptor) }), nil
}

func (n node) claim(dir string) (io.Closer, error) {
	stat, err := call(n.fs, "statSync", dir, map[string]any{"bigint": true})
	if err != nil {
		return nil, lockError(err)
	}
	// Package js knows no bigints, but it can hand them on.
	text := func(name string) string { return js.Global().Get("String").Invoke(stat.Get(name)).String() }
	// A worker of a cluster would share the name with others, were it not exclusive.
	options := map[string]any{"path": "\x00" + claimName(text("dev"), text("ino")), "exclusive": true}
	server := n.process.Call("getBuiltinModule", "net").Call("createServer")
	server.Call("unref")
	if err := listen(server, options); err != nil {
		return nil, lockError(err)
	}
	return held(func() { server.Call("close") }), nil
}

// listen waits for whichever of its two events the server has.
func listen(server js.Value, options map[string]any) error {
	done := make(chan error, 1)
	callback := js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) > 0 {
			done <- newNodeError(args[0])
		} else {
			done <- nil
		}
		return nil
	})
	defer callback.Release()
	server.Call("once", "error", callback)
	server.Call("once", "listening", callback)
	_, err := call(server, "listen", options)
	if err == nil {
		err = <-done
	}
	server.Call("removeAllListeners", "error")
	server.Call("removeAllListeners", "listening")
	return err
}

// lockError tells that another holds the lock, if that is why.
func lockError(err error) error {
	var failure *nodeError
	if errors.As(err, &failure) {
		switch failure.code {
		case "EADDRINUSE", "EAGAIN", "EWOULDBLOCK", "EBUSY":
			return vfs.ErrLocked
		}
	}
	return err
}

// held is a lock, by what releases it.
type held func()

func (h held) Close() error {
	h()
	return nil
}
