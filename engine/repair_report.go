package engine

import (
	"fmt"
	"strings"

	"github.com/varvedb/varve/engine/internal/base"
)

// RepairReport says what Repair found and did.
type RepairReport struct {
	// Problems are what was wrong with the store, each with the file. If there are none, the
	// store was whole and has not been touched.
	Problems []string

	// Losses are the parts of tables and logs that could not be read.
	Losses []Loss

	// Uncertain says that the manifest could not be read whole, or that a log goes back to what
	// is in tables, so that tables and logs may have been used that were obsolete: what had been
	// deleted or overwritten may be back.
	Uncertain bool

	Tables  int   // of the repaired store
	Rebuilt int   // of them, written anew
	Entries int64 // in the tables written anew

	// KeptEntries are in the tables that were not written anew, and LogEntries in the logs that
	// the repaired store goes on with.
	KeptEntries int64
	Logs        int
	LogEntries  int64

	Removed   []string // files that the repaired store does not need
	KeptAside []string // files with bytes that could not be read, by their new names
}

// Loss is a part of a file that could not be read.
type Loss struct {
	File     string
	From, To int64 // offsets in the file

	// Lower and Upper bound the user keys of the lost entries, both inclusive. Nil means that the
	// bound isn't known. Keys between them may be missing, or have a value they had before.
	Lower, Upper []byte

	Reason string
}

func (l Loss) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, bytes %d to %d", l.File, l.From, l.To)
	switch {
	case l.Lower != nil && l.Upper != nil:
		fmt.Fprintf(&b, ", keys from %q to %q", l.Lower, l.Upper)
	case l.Lower != nil:
		fmt.Fprintf(&b, ", keys from %q on", l.Lower)
	case l.Upper != nil:
		fmt.Fprintf(&b, ", keys up to %q", l.Upper)
	}
	return b.String() + ": " + l.Reason
}

// String returns the report as lines to be read by people.
func (r RepairReport) String() string {
	if len(r.Problems) == 0 {
		return "The store is whole: nothing to repair.\n"
	}
	var b strings.Builder
	writeLines(&b, "Found", r.Problems)
	losses := make([]string, len(r.Losses))
	for i, l := range r.Losses {
		losses[i] = l.String()
	}
	writeLines(&b, "Lost, with an unknown number of records", losses)
	if len(losses) == 0 {
		b.WriteString("Lost: nothing that is known of.\n")
	}
	if r.Uncertain {
		b.WriteString("Tables or logs may have been used that were obsolete: deleted or overwritten entries may be back.\n")
	}
	writeHoldings(&b, "Kept", "table", r.Tables-r.Rebuilt, r.KeptEntries)
	writeHoldings(&b, "Kept", "log", r.Logs, r.LogEntries)
	writeHoldings(&b, "Rebuilt", "table", r.Rebuilt, r.Entries)
	if r.Tables+r.Logs == 0 {
		b.WriteString("The store is empty now.\n")
	}
	writeLines(&b, "Removed", r.Removed)
	writeLines(&b, "Kept aside", r.KeptAside)
	return b.String()
}

func writeLines(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", title)
	for _, line := range lines {
		fmt.Fprintf(b, "  %s\n", line)
	}
}

func writeHoldings(b *strings.Builder, title, noun string, files int, entries int64) {
	if files > 0 {
		fmt.Fprintf(b, "%s: %s, with %s.\n", title, base.Plural(int64(files), noun), base.Plural(entries, "record"))
	}
}
