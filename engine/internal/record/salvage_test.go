package record

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/varvedb/varve/vfs"
)

// salvaged returns what Salvage finds, a line for each thing.
func salvaged(t *testing.T, content []byte) (lines []string) {
	t.Helper()
	s := Salvage{
		Record: func(from, to int64, data []byte) error {
			lines = append(lines, fmt.Sprintf("%d-%d record of %d", from, to, len(data)))
			return nil
		},
		Damage: func(from, to int64, reason string) {
			lines = append(lines, fmt.Sprintf("%d-%d %s", from, to, reason))
		},
	}
	torn, err := s.Read(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if torn >= 0 {
		lines = append(lines, fmt.Sprintf("%d torn", torn))
	}
	return lines
}

func TestSalvageFindsTheRecordsBehindDamage(t *testing.T) {
	// The long record is in the blocks 0 to 3.
	whole := encode(numbered(0, 10), numbered(1, 20), numbered(2, 100_000), numbered(3, 30))
	const longEnd, end = 100_072, 100_109
	for name, c := range map[string]struct {
		change func(p []byte) []byte
		want   []string
	}{
		"nothing": {func(p []byte) []byte { return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 record of 100000", "100072-100109 record of 30"}},
		"a small record": {func(p []byte) []byte { p[20]++; return p },
			[]string{"0-17 record of 10", "17-44 checksum mismatch", "44-100072 record of 100000", "100072-100109 record of 30"}},
		"a part of the long record": {func(p []byte) []byte { p[2*blockSize+9]++; return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 checksum mismatch", "100072-100109 record of 30"}},
		"two neighbours, so that the rest of the block is given up": {func(p []byte) []byte { p[8]++; p[25]++; return p },
			[]string{"0-100072 checksum mismatch", "100072-100109 record of 30"}},
		"a length that the checksum tells": {func(p []byte) []byte { p[4]++; return p },
			[]string{"0-0 chunk of 10 bytes says it has 11", "0-17 record of 10", "17-44 record of 20", "44-100072 record of 100000", "100072-100109 record of 30"}},
		"the end": {func(p []byte) []byte { return p[:end-1] },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 record of 100000", "100072 torn"}},
		"the end, in a header": {func(p []byte) []byte { return p[:longEnd+3] },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 record of 100000", "100072 torn"}},
		"the end, between the parts of a record": {func(p []byte) []byte { return p[:blockSize] },
			[]string{"0-17 record of 10", "17-44 record of 20", "44 torn"}},
		"zeros at the end": {func(p []byte) []byte { clear(p[longEnd:]); return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 record of 100000", "100072 torn"}},
		"zeros from a sector on": {func(p []byte) []byte { clear(p[2*blockSize+512:]); return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44 torn"}},
		"zeros from a sector on, and behind the end": {func(p []byte) []byte { clear(p[3*blockSize+512:]); return append(p, make([]byte, blockSize)...) },
			[]string{"0-17 record of 10", "17-44 record of 20", "44 torn"}},
		"zeros from a sector on, before records": {func(p []byte) []byte { clear(p[512:blockSize]); return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 checksum mismatch", "100072-100109 record of 30"}},
		"zeros from a sector on, before more damage": {func(p []byte) []byte { clear(p[512:blockSize]); p[longEnd+9]++; return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100109 checksum mismatch"}},
		"zeros before damage": {func(p []byte) []byte { clear(p[44 : 3*blockSize]); p[3*blockSize+9]++; p[longEnd+9]++; return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100109 zeros, though records follow"}},
		"a length that the checksum tells, before zeros": {func(p []byte) []byte { p[longEnd+5]++; return append(p, make([]byte, 5000)...) },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 record of 100000",
				"100072-100072 chunk of 30 bytes says it has 286", "100072-100109 record of 30", "100109 torn"}},
		"zeros before records": {func(p []byte) []byte { clear(p[44:blockSize]); return p },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-100072 zeros, though records follow", "100072-100109 record of 30"}},
		"a part without those before": {func(p []byte) []byte { return p[blockSize:] },
			[]string{"0-67304 part of a record without its beginning", "67304-67341 record of 30"}},
		"a part without those behind": {func(p []byte) []byte { return append(p[:blockSize], encode(numbered(4, 5))...) },
			[]string{"0-17 record of 10", "17-44 record of 20", "44-32768 record without its end", "32768-32780 record of 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := salvaged(t, c.change(bytes.Clone(whole))); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// badBlockFile fails to read the block in which offset at is.
type badBlockFile struct {
	*bytes.Reader
	at  int64
	err error
}

func (f badBlockFile) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(p)) {
		return 0, f.err
	}
	return f.Reader.ReadAt(p, off)
}

func TestSalvagePassesBlocksThatCannotBeRead(t *testing.T) {
	content := encode(numbered(0, blockSize-headerSize), numbered(1, blockSize-headerSize), numbered(2, 10))
	for name, c := range map[string]struct {
		err  error
		want int // records, or -1: Read fails
	}{
		"an I/O error": {fmt.Errorf("sector 7: %w", vfs.ErrIO), 2},
		"a closed one": {vfs.ErrClosed, -1},
	} {
		t.Run(name, func(t *testing.T) {
			records, damages := 0, 0
			s := Salvage{
				Record: func(int64, int64, []byte) error { records++; return nil },
				Damage: func(int64, int64, string) { damages++ },
			}
			_, err := s.Read(badBlockFile{bytes.NewReader(content), blockSize + 5, c.err}, int64(len(content)))
			switch {
			case c.want < 0:
				if !errors.Is(err, c.err) {
					t.Errorf("got error %v", err)
				}
			case err != nil || records != c.want || damages != 1:
				t.Errorf("%d records, %d damages, error %v", records, damages, err)
			}
		})
	}
}

func TestSalvageEndsWithTheErrorOfItsVisitor(t *testing.T) {
	content, enough := encode(numbered(0, 10), numbered(1, 10)), errors.New("enough")
	calls := 0
	s := Salvage{Record: func(int64, int64, []byte) error { calls++; return enough }}
	if _, err := s.Read(bytes.NewReader(content), int64(len(content))); !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}
