package dump

import (
	"fmt"
	"strings"

	"github.com/varvedb/varve/engine/internal/manifest"
)

func (d *dumper) manifest() error {
	d.title("manifest")
	edits := 0
	err := d.records(func(offset int64, data []byte) {
		edit, err := manifest.DecodeEdit(data)
		if err != nil {
			d.damaged(offset, err.Error())
			return
		}
		edits++
		d.at(offset, "version edit, %d bytes", len(data))
		for line := range strings.Lines(edit.String()) {
			d.out.WriteString("  " + line)
		}
	})
	fmt.Fprintf(d.out, "version edits: %d\n", edits)
	return err
}
