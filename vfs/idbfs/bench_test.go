//go:build js && wasm

package idbfs

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/varvedb/varve/vfs"
)

func BenchmarkLogSync(b *testing.B) {
	for _, c := range []struct {
		name       string
		durability vfs.Durability
	}{{"Relaxed", vfs.Relaxed}, {"Strict", vfs.Strict}} {
		b.Run(c.name, func(b *testing.B) {
			fs := openStore(b)
			log := must(fs.Create("000001.log"))(b)
			check(b, log.Sync(c.durability))
			record := make([]byte, 130)
			for b.Loop() {
				_, err := log.Write(record)
				check(b, err, log.Sync(c.durability))
			}
			check(b, log.Close())
		})
	}
}

func BenchmarkReadRandomPage(b *testing.B) {
	fs := openStore(b)
	const pages = 2048
	writeFile(b, fs, "000001.ldb", pages*pageSize)
	r := must(fs.Open("000001.ldb"))(b)
	p := make([]byte, 4096)
	for b.Loop() {
		_, err := r.ReadAt(p, rand.Int64N(pages)*pageSize)
		check(b, err)
	}
	check(b, r.Close())
}

func BenchmarkReadSequential(b *testing.B) {
	fs := openStore(b)
	const size = 64 << 20
	writeFile(b, fs, "000001.ldb", size)
	r := must(fs.Open("000001.ldb"))(b)
	p := make([]byte, 64<<10) // as much as an iterator reads ahead
	b.SetBytes(size)
	for b.Loop() {
		for at := int64(0); at < size; at += int64(len(p)) {
			_, err := r.ReadAt(p, at)
			check(b, err)
		}
	}
	check(b, r.Close())
}

func BenchmarkWriteTable(b *testing.B) {
	fs := openStore(b)
	block := make([]byte, 4096)
	rand.NewChaCha8([32]byte{}).Read(block) // so that the browser can't compress it
	const size = 2 << 20
	b.SetBytes(size)
	for i := 0; b.Loop(); i++ {
		w := must(fs.Create(fmt.Sprintf("%06d.ldb", i)))(b)
		for range size / len(block) {
			_, err := w.Write(block)
			check(b, err)
		}
		check(b, w.Sync(vfs.Relaxed), w.Close())
	}
}

func BenchmarkReplayLog(b *testing.B) {
	fs := openStore(b)
	log := must(fs.Create("000001.log"))(b)
	record := make([]byte, 130)
	const records = 2000
	for range records {
		_, err := log.Write(record)
		check(b, err, log.Sync(vfs.Relaxed))
	}
	check(b, log.Close())
	b.SetBytes(records * int64(len(record)))
	for b.Loop() {
		r := must(fs.Open("000001.log"))(b)
		check(b, r.Close())
	}
}
