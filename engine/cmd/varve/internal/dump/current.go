package dump

import (
	"fmt"
	"strings"

	"github.com/varvedb/varve/engine/internal/base"
)

// maxCurrentLen is more than any manifest's name takes.
const maxCurrentLen = 64

func (d *dumper) current() error {
	d.title("pointer")
	content, err := d.read(0, int(min(d.size, maxCurrentLen)))
	if err != nil {
		return err
	}
	name, ended := strings.CutSuffix(string(content), "\n")
	kind, _, ok := base.ParseFileName(name)
	if !ended || !ok || kind != base.FileManifest || d.size > maxCurrentLen {
		d.damaged(0, fmt.Sprintf("%q does not name a manifest and end the line", content))
		return nil
	}
	d.at(0, "the manifest is %s", name)
	return nil
}
