package engine

import (
	"bytes"
	"testing"
)

// FuzzBatch decodes log records. What is accepted must be what a Batch of the same entries holds.
func FuzzBatch(f *testing.F) {
	var b Batch
	f.Add([]byte{})
	for _, add := range []func() error{
		func() error { return b.Put([]byte("key"), []byte("value")) },
		func() error { return b.Delete([]byte("gone")) },
		func() error { return b.Put(bytes.Repeat([]byte{0xff}, 300), nil) },
	} {
		if err := add(); err != nil {
			f.Fatal(err)
		}
		b.setSeq(7)
		f.Add(bytes.Clone(b.data))
		f.Add(bytes.Clone(b.data[:len(b.data)-1]))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		var kinds []byte
		var strings [][]byte
		err := eachEntry(record, func(i uint32, e batchEntry) error {
			if int(i) != len(kinds) {
				t.Fatalf("entry %d comes as the one after %d", i, len(kinds))
			}
			kinds = append(kinds, byte(e.kind))
			strings = append(strings, e.key, e.value)
			return nil
		})
		if err != nil {
			return
		}
		_, count, _ := batchHeader(record)
		if int(count) != len(kinds) {
			t.Fatalf("%d entries of %d", len(kinds), count)
		}
		length := batchHeaderLen + len(kinds)
		for _, s := range strings {
			length += len(s)
		}
		if length > len(record) {
			t.Fatalf("entries of %d bytes from a record of %d", length, len(record))
		}
	})
}
