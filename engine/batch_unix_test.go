//go:build unix

package engine

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestBatchHasALimit(t *testing.T) {
	// Half a gigabyte of address space, of which nothing is touched.
	data, err := unix.Mmap(-1, 0, MaxBatchLen, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(data); err != nil {
			t.Error(err)
		}
	}()
	b := Batch{data: data[:MaxBatchLen-20], count: 1}
	expect(t, "put into a full batch", b.Put([]byte("a long enough key"), nil), ErrInvalidArgument)
	expect(t, "deletion in a full batch", b.Delete([]byte("a long enough key")), ErrInvalidArgument)
	if b.Count() != 1 {
		t.Errorf("%d entries", b.Count())
	}
}
