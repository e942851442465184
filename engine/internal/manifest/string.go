package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/varvedb/varve/engine/internal/base"
)

// String returns one line a field.
func (e *Edit) String() string {
	var b strings.Builder
	if e.Comparer != "" {
		fmt.Fprintf(&b, "comparator %s\n", strconv.Quote(e.Comparer))
	}
	writeNumber(&b, "log number", e.LogNum)
	writeNumber(&b, "previous log number", e.PrevLogNum)
	writeNumber(&b, "next file number", e.NextFileNum)
	writeNumber(&b, "last sequence", e.LastSeq)
	for _, p := range e.CompactPointers {
		fmt.Fprintf(&b, "compact pointer level %d %s\n", p.Level, formatKey(p.Key))
	}
	for _, d := range e.Deleted {
		fmt.Fprintf(&b, "delete level %d %06d\n", d.Level, d.Num)
	}
	for _, a := range e.Added {
		fmt.Fprintf(&b, "add level %d %v\n", a.Level, a.Table)
	}
	return b.String()
}

func writeNumber[T ~uint64](b *strings.Builder, name string, n *T) {
	if n != nil {
		fmt.Fprintf(b, "%s %d\n", name, uint64(*n))
	}
}

// String returns the table's number, size and bounds.
func (t *Table) String() string {
	return fmt.Sprintf("%06d %d bytes %s .. %s", t.Num, t.Size, formatKey(t.Smallest), formatKey(t.Largest))
}

// String returns one line a table.
func (v *Version) String() string {
	var b strings.Builder
	for level, tables := range v.Levels {
		for _, t := range tables {
			fmt.Fprintf(&b, "level %d %v\n", level, t)
		}
	}
	return b.String()
}

func formatKey(key []byte) string {
	if len(key) < base.TrailerLen {
		return strconv.Quote(string(key))
	}
	trailer := base.TrailerOf(key)
	kind := "put"
	switch trailer.Kind() {
	case base.KindPut:
	case base.KindDelete:
		kind = "delete"
	default:
		kind = strconv.Itoa(int(trailer.Kind()))
	}
	return fmt.Sprintf("%s@%d,%s", strconv.Quote(string(base.UserKey(key))), trailer.Seq(), kind)
}
