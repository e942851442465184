//go:build js && wasm

package idbfs

import (
	"testing"

	"github.com/varvedb/varve/vfs"
)

func TestUsageCountsFilesAndWhatWaitsToBeDeleted(t *testing.T) {
	fs := openStore(t)
	estimate(t, 1<<30, 1<<20)
	writeFile(t, fs, "000001.ldb", 100_000)
	writeFile(t, fs, "000002.log", 10)
	check(t, fs.drain())
	r := must(fs.Open("000001.ldb"))(t)
	check(t, fs.Remove("000001.ldb"))
	if got, want := fs.Usage(), (vfs.Usage{Stored: 100_010, MediumUsed: 1 << 20, MediumSize: 1 << 30}); got != want {
		t.Errorf("usage is %+v, want %+v", got, want)
	}
	check(t, r.Close(), fs.drain())
	if got := fs.Usage().Stored; got != 10 {
		t.Errorf("%d bytes are stored after the deletion, want 10", got)
	}
}

func TestUsageCountsTheHeadroom(t *testing.T) {
	fs := largeStore(t)
	if got, want := fs.Usage().Stored, int64(minReserving+5*pieceSize); got != want {
		t.Errorf("%d bytes are stored, want %d", got, want)
	}
}

func TestUsageWithoutAnEstimate(t *testing.T) {
	fs := openStore(t)
	estimateFails(t)
	if got := fs.Usage(); got.MediumUsed != -1 || got.MediumSize != -1 {
		t.Errorf("usage is %+v, want the medium's figures unknown", got)
	}
}
