package session

import (
	"strings"
	"testing"

	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
	"github.com/varvedb/varve/wasm/frame"
)

// meteredFS knows what it takes.
type meteredFS struct{ vfs.FS }

func (meteredFS) Usage() vfs.Usage { return vfs.Usage{Stored: 7, MediumUsed: 8, MediumSize: 9} }

func TestStatsTellWhatTheStoreTakes(t *testing.T) {
	fs := memfs.New()
	for _, c := range []struct {
		fs   vfs.FS
		want func() string
	}{
		{meteredFS{memfs.New()}, func() string { return "disk.bytes=7 disk.origin.usage=8 disk.origin.quota=9" }},
		{fs, func() string { return "disk.bytes=" + sizeOf(t, fs) }},
	} {
		client := openClient(t, c.fs)
		client.put("key", "value")
		if got := entries(client.do(frame.Stats, 0, "")); !strings.HasSuffix(strings.TrimSpace(got), c.want()) {
			t.Errorf("stats: %s, want %s", got, c.want())
		}
	}
}

// sizeOf returns the sum of the sizes of fs's files.
func sizeOf(t *testing.T, fs vfs.FS) string {
	t.Helper()
	infos, err := fs.List()
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, info := range infos {
		size += info.Size
	}
	return number("", size).text
}
