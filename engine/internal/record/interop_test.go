//go:build !js

package record

import (
	"bytes"
	"io"
	"testing"

	"github.com/syndtr/goleveldb/leveldb/journal"
)

func TestGoleveldbReadsWhatTheEncoderAppends(t *testing.T) {
	file, want, _ := mixed()
	r := journal.NewReader(bytes.NewReader(file), nil, true, true)
	for i := range want {
		part, err := r.Next()
		if err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, want[i]) {
			t.Fatalf("record %d differs; %v", i, err)
		}
	}
}

func TestReaderReadsWhatGoleveldbWrites(t *testing.T) {
	_, want, _ := mixed()
	var file bytes.Buffer
	w := journal.NewWriter(&file)
	for _, record := range want {
		part, err := w.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _, err := readAll(file.Bytes())
	if err != io.EOF || !equalRecords(got, want) {
		t.Fatalf("%d records, want %d; %v", len(got), len(want), err)
	}
}
