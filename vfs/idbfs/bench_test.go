//go:build js && wasm

package idbfs

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall/js"
	"testing"
	"time"

	"github.com/varvedb/varve/vfs"
)

// beside measures op. Where tests/bench has loaded hand-written code that does the same, it measures
// that by turns with op, each count times, so that whatever else the machine does meets both.
func beside(b *testing.B, name string, count int, op func()) {
	hand := js.Global().Get("handWritten")
	if hand.IsUndefined() {
		for b.Loop() {
			op()
		}
		return
	}
	var ours []float64
	var theirs [][]float64 // by way, of which the best counts
	for b.Loop() {
		start := time.Now()
		for range count {
			op()
		}
		ours = append(ours, float64(time.Since(start))/1e6)
		ways := must(await(hand.Call(name, count)))(b)
		for i := range ways.Length() {
			if i == len(theirs) {
				theirs = append(theirs, nil)
			}
			theirs[i] = append(theirs[i], ways.Index(i).Float())
		}
	}
	best := slices.MinFunc(theirs, func(a, b []float64) int { return cmp.Compare(median(a), median(b)) })
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / best[i]
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours)/float64(count), "idbfs-ms")
	b.ReportMetric(median(best)/float64(count), "hand-ms")
	b.ReportMetric(median(ratios), "ratio")
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

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
			beside(b, "commit"+c.name, 100, func() {
				if _, err := log.Write(record); err != nil {
					b.Fatal(err)
				}
				if err := log.Sync(c.durability); err != nil {
					b.Fatal(err)
				}
			})
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
	beside(b, "readPages", 100, func() {
		if _, err := r.ReadAt(p, rand.Int64N(pages)*pageSize); err != nil {
			b.Fatal(err)
		}
	})
	check(b, r.Close())
}

func BenchmarkReadSequential(b *testing.B) {
	fs := roomyStore(b, 8<<20/pageSize) // what the package gives it by default
	const size = 64 << 20
	writeFile(b, fs, "000001.ldb", size)
	r := must(fs.Open("000001.ldb"))(b)
	p := make([]byte, 64<<10) // as much as an iterator reads ahead
	at := int64(0)
	beside(b, "readInOrder", size/pageSize, func() {
		if at%int64(len(p)) == 0 {
			_, err := r.ReadAt(p, at)
			check(b, err)
		}
		at = (at + pageSize) % size
	})
	check(b, r.Close())
}

// As a compaction does, it lets others run while it builds a table.
func BenchmarkWriteTable(b *testing.B) {
	fs := openStore(b)
	const size, slice, blockSize = 2 << 20, 256 << 10, 4096
	// The browser can't compress random bytes, nor find them again within a record.
	blocks := make([]byte, 2*pageSize)
	rand.NewChaCha8([32]byte{}).Read(blocks)
	turn := newTurn(b)
	made := 0
	writeTable := func() {
		made++
		w := must(fs.Create(fmt.Sprintf("%06d.ldb", made)))(b)
		for at := 0; at < size; at += blockSize {
			block := blocks[at%len(blocks):]
			_, err := w.Write(block[:blockSize])
			check(b, err)
			if at%slice == 0 {
				turn()
			}
		}
		check(b, w.Sync(vfs.Relaxed), w.Close())
	}
	pages := 0
	beside(b, "writeInOrder", 8*size/pageSize, func() {
		if pages%(size/pageSize) == 0 {
			writeTable()
		}
		pages++
	})
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
