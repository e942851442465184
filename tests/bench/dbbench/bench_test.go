package dbbench

import (
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/vfs/memfs"
)

// BenchmarkWorkloads runs the workloads in memory. tests/bench/wasm.sh runs it natively and in
// WebAssembly, so that one sees what that, and one thread, cost.
func BenchmarkWorkloads(b *testing.B) {
	for _, w := range Workloads() {
		b.Run(w.Name, func(b *testing.B) {
			store := openVarve(b)
			c := Config{Num: b.N * w.Divisor, ValueSize: 100}
			check(b, w.Prepare(store, c))
			b.ResetTimer()
			r, err := w.Run(store, c)
			b.StopTimer()
			check(b, err)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(r.MicrosPerOp(), "µs/op")
		})
	}
}

// openVarve opens a new store in memory, which is checked and closed when the test ends.
func openVarve(tb testing.TB) Varve {
	db, err := engine.Open(memfs.New(), nil)
	check(tb, err)
	tb.Cleanup(func() {
		check(tb, db.Check())
		check(tb, db.Close())
	})
	return Varve{DB: db, Durability: engine.Deferred}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
