package session

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/varvedb/varve/wasm/frame"
)

// benchRecords, of 16-byte keys and 100-byte values, fill tables and the half of a memtable, and
// their blocks fit into the cache.
const benchRecords = 100_000

// counter is a client that only counts the headers of responses while it is being measured.
type counter struct {
	*client
	measured bool
	headers  int
}

func (c *counter) Respond(head, body []byte) {
	if !c.measured {
		c.client.Respond(head, body)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers += (len(head) - 4) / 20
	c.arrived.Broadcast()
}

// benchClient returns a client whose store was loaded in this order by batches of 1,000, and then
// read as a whole.
func benchClient(b *testing.B, order []int) *counter {
	c := &counter{client: newClient(b)}
	c.session = New(c)
	c.open()
	b.Cleanup(func() {
		c.measured = false
		c.do(frame.Close, 0, "")
	})
	random := rand.New(rand.NewPCG(1, 2))
	half := make([]byte, 36)
	for at := 0; at < len(order); at += 1000 {
		id := c.newID()
		for i, n := range order[at : at+1000] {
			for j := range half {
				half[j] = byte(random.Uint32())
			}
			text := base64.RawStdEncoding.EncodeToString(half)
			c.header(frame.Put, id, 0, moreIf(i < 999), 0, benchKey(n), (text + text + "....")[:100])
		}
		c.submit()
		c.await(id)
	}
	c.measured = true
	for at := 0; at < benchRecords; at += 1000 {
		c.addScan(1, scanOf{lower: benchKey(at), limit: 1000, wanted: maxWanted})
		c.ask(c.take(), 1000)
	}
	return c
}

func benchKey(i int) string { return fmt.Sprintf("%016d", 2*i) }

func inOrder() []int {
	order := make([]int, benchRecords)
	for i := range order {
		order[i] = i
	}
	return order
}

func shuffled(seed uint64) []int { return rand.New(rand.NewPCG(seed, 0)).Perm(benchRecords) }

// ask submits a frame and awaits so many headers at least.
func (c *counter) ask(data []byte, headers int) {
	c.headers = 0
	if _, err := c.session.Submit(data); err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.headers < headers {
		c.arrived.Wait()
	}
}

// benchFrames is the number of different frames that are asked in turn.
const benchFrames = 100

// benchReads measures frames that build makes, each of which is answered with so many headers, and
// reports the time for one of these.
func benchReads(b *testing.B, headers int, build func(c *counter, random []int)) {
	for _, load := range []struct {
		name  string
		order []int
	}{{"sorted", inOrder()}, {"random", shuffled(1)}} {
		b.Run(load.name, func(b *testing.B) {
			c := benchClient(b, load.order)
			order := shuffled(2)
			var frames [][]byte
			for i := range benchFrames {
				at := i * headers % benchRecords
				build(c, order[at:at+headers])
				frames = append(frames, c.take())
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				c.ask(frames[i%benchFrames], headers)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*headers), "ns/header")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func BenchmarkGetManyOf1000(b *testing.B) {
	benchReads(b, 1000, func(c *counter, random []int) {
		id := c.newID()
		for i, n := range random {
			c.header(frame.Get, id, 0, moreIf(i < len(random)-1), 0, benchKey(n), "")
		}
	})
}

func Benchmark10000GetsAtOnce(b *testing.B) {
	benchReads(b, 10000, func(c *counter, random []int) {
		for _, n := range random {
			c.add(frame.Get, 0, benchKey(n), "")
		}
	})
}

func BenchmarkRangeOf100(b *testing.B) {
	benchReads(b, 100, func(c *counter, random []int) {
		c.addScan(1, scanOf{lower: benchKey(random[0] % (benchRecords - 100)), limit: 100, wanted: 256 << 10})
	})
}

func BenchmarkReverseOf1000(b *testing.B) {
	benchReads(b, 1000, func(c *counter, _ []int) {
		c.addScan(1, scanOf{flags: frame.Reverse, limit: 1000, wanted: 256 << 10})
	})
}
