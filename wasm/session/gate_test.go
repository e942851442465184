package session

import (
	"strings"
	"sync"

	"github.com/varvedb/varve/vfs"
)

// gateFS lets operations on tables wait while it is shut.
type gateFS struct {
	vfs.FS
	mu   sync.Mutex
	open chan struct{} // closed while the gate is open
}

func newGateFS(fs vfs.FS) *gateFS {
	g := &gateFS{FS: fs, open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gateFS) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

func (g *gateFS) unshut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

func (g *gateFS) pass() {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	<-open
}

func (g *gateFS) Create(name string) (vfs.Writer, error) {
	w, err := g.FS.Create(name)
	if err != nil || !strings.HasSuffix(name, ".ldb") {
		return w, err
	}
	return gateWriter{w, g}, nil
}

func (g *gateFS) Open(name string) (vfs.Reader, error) {
	r, err := g.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".ldb") {
		return r, err
	}
	return gateReader{r, g}, nil
}

type gateWriter struct {
	vfs.Writer
	gate *gateFS
}

func (w gateWriter) Sync(d vfs.Durability) error {
	w.gate.pass()
	return w.Writer.Sync(d)
}

type gateReader struct {
	vfs.Reader
	gate *gateFS
}

func (r gateReader) ReadAt(p []byte, offset int64) (int, error) {
	r.gate.pass()
	return r.Reader.ReadAt(p, offset)
}
