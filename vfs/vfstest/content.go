package vfstest

import (
	"bytes"
	"io"
	"math/rand/v2"

	"github.com/varvedb/varve/vfs"
)

// Sizes on both sides of what implementations use as pages, blocks and buffers.
var oddSizes = []int{1, 0, 7, 4095, 4096, 4097, 0, 32767, 32768, 32769, 1, 61441, 65536, 65537, 3}

func fileIsTheConcatenationOfItsWrites(f *fixture) {
	var want []byte
	w := f.create("000001.log")
	for i, size := range oddSizes {
		p := content(uint64(i), size)
		n, err := w.Write(p)
		if err != nil || n != size {
			f.Fatalf("Write of %d bytes: %d, %v", size, n, err)
		}
		want = append(want, p...)
		if i%4 == 1 {
			f.ok(w.Sync(vfs.Durability(i / 4 % 2)))
		}
	}
	f.ok(w.Sync(vfs.Strict), w.Close())
	f.wantContent("000001.log", want)
}

func writeDoesNotKeepItsBuffer(f *fixture) {
	var want []byte
	w := f.create("000001.log")
	p := make([]byte, 5000)
	for i := range 20 {
		copy(p, content(uint64(i), len(p)))
		_, err := w.Write(p)
		f.ok(err)
		want = append(want, p...)
		clear(p)
	}
	f.ok(w.Sync(vfs.Strict), w.Close())
	f.wantContent("000001.log", want)
}

func readAtReadsAnyRange(f *fixture) {
	want := content(1, 300_000)
	f.write("000001.ldb", want)
	r := f.open("000001.ldb")
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		from := random.IntN(len(want))
		length := random.IntN(min(len(want)-from, 1<<random.IntN(18)) + 1)
		got := make([]byte, length)
		n, err := r.ReadAt(got, int64(from))
		if n != length || err != nil && err != io.EOF {
			f.Fatalf("ReadAt of %d bytes at %d: %d, %v", length, from, n, err)
		}
		if err == io.EOF && from+length < len(want) {
			f.Errorf("ReadAt of %d bytes at %d: EOF before the end", length, from)
		}
		if !bytes.Equal(got, want[from:from+length]) {
			f.Errorf("ReadAt of %d bytes at %d: wrong bytes", length, from)
		}
	}
	f.ok(r.Close())
}

func readAtEndsWithEOF(f *fixture) {
	const size = 40_000
	want := content(1, size)
	f.write("000001.ldb", want)
	r := f.open("000001.ldb")
	for _, c := range []struct{ offset, length, n int }{
		{0, size + 1, size},
		{size - 1, 2, 1},
		{size - 10, 50_000, 10},
		{size, 1, 0},
		{size + 1, 1, 0},
		{size + 1_000_000, 4096, 0},
	} {
		p := make([]byte, c.length)
		n, err := r.ReadAt(p, int64(c.offset))
		if n != c.n || err != io.EOF {
			f.Errorf("ReadAt of %d bytes at %d of %d: %d, %v; want %d, EOF", c.length, c.offset, size, n, err, c.n)
			continue
		}
		if n > 0 && !bytes.Equal(p[:n], want[c.offset:]) {
			f.Errorf("ReadAt of %d bytes at %d of %d: wrong bytes", c.length, c.offset, size)
		}
	}
	f.ok(r.Close())
}

func readAtWritesIntoItsBufferOnly(f *fixture) {
	want := content(1, 100_000)
	f.write("000001.ldb", want)
	r := f.open("000001.ldb")
	arena := bytes.Repeat([]byte{0xa5}, 10_000)
	_, err := r.ReadAt(arena[1000:2000], 32_000)
	f.ok(err)
	around := append(bytes.Clone(arena[:1000]), arena[2000:]...)
	if !bytes.Equal(around, bytes.Repeat([]byte{0xa5}, 9000)) {
		f.Error("ReadAt wrote outside its buffer")
	}
	// What a reader does with its buffer afterwards is its own affair.
	clear(arena)
	f.wantRead(r, want)
	f.ok(r.Close())
}

func emptyFileExists(f *fixture) {
	f.write("000001.log", nil)
	f.wantFiles("000001.log")
	f.wantContent("000001.log", nil)
	r := f.open("000001.log")
	if n, err := r.ReadAt(make([]byte, 10), 0); n != 0 || err != io.EOF {
		f.Errorf("ReadAt of an empty file: %d, %v; want 0, EOF", n, err)
	}
	f.ok(r.Close())
}

func bigFileReadsBack(f *fixture) {
	want := content(1, 3<<20+12_345)
	w := f.create("000001.ldb")
	for i, rest := 0, want; len(rest) > 0; i++ {
		n := min(len(rest), 4096+i*37)
		_, err := w.Write(rest[:n])
		f.ok(err)
		rest = rest[n:]
	}
	f.ok(w.Sync(vfs.Strict), w.Close())
	f.wantContent("000001.ldb", want)
}

func syncedBytesAreReadableWhileTheWriterIsOpen(f *fixture) {
	var synced []byte
	w := f.create("000001.log")
	for i, d := range []vfs.Durability{vfs.Relaxed, vfs.Strict, vfs.Relaxed} {
		p := content(uint64(i), 50_000)
		_, err := w.Write(p)
		f.ok(err, w.Sync(d))
		synced = append(synced, p...)

		r := f.open("000001.log")
		if r.Size() < int64(len(synced)) {
			f.Fatalf("Size is %d, but %d bytes are synced", r.Size(), len(synced))
		}
		got := make([]byte, len(synced))
		if n, err := r.ReadAt(got, 0); n != len(got) || !bytes.Equal(got, synced) {
			f.Errorf("ReadAt of %d synced bytes: %d, %v", len(got), n, err)
		}
		f.ok(r.Close())
	}
	f.ok(w.Close())
}

func sizeIsFixedAtOpen(f *fixture) {
	first, second := content(1, 10_000), content(2, 90_000)
	w := f.create("000001.log")
	_, err := w.Write(first)
	f.ok(err, w.Sync(vfs.Strict))
	r := f.open("000001.log")

	_, err = w.Write(second)
	f.ok(err, w.Sync(vfs.Strict), w.Close())
	f.wantRead(r, first)
	if n, err := r.ReadAt(make([]byte, 1), int64(len(first))); n != 0 || err != io.EOF {
		f.Errorf("ReadAt past the size that the file had: %d, %v; want 0, EOF", n, err)
	}
	f.ok(r.Close())
	f.wantContent("000001.log", append(first, second...))
}
