package dump

import (
	"bytes"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/engine/internal/sstable"
)

// kindByContent recognises a file whose name tells nothing.
func (d *dumper) kindByContent() (base.FileKind, error) {
	_, _, err := sstable.Dissect(d.file, d.name).Footer()
	switch damage, err := asDamage(err); {
	case err != nil:
		return 0, err
	case damage == nil:
		return base.FileTable, nil
	}
	prefix := []byte("MANIFEST-")
	if d.size > int64(len(prefix)) && d.size <= maxCurrentLen {
		start, err := d.read(0, len(prefix))
		if err != nil {
			return 0, err
		}
		if bytes.Equal(start, prefix) {
			return base.FileCurrent, nil
		}
	}
	// A manifest's first record names the comparator.
	first, err := record.NewReader(d.file, d.size, d.name).Next()
	if err != nil {
		return 0, ErrUnknown
	}
	if edit, err := manifest.DecodeEdit(first); err == nil && edit.Comparer != "" {
		return base.FileManifest, nil
	}
	if _, err := decodeBatch(first); err == nil {
		return base.FileLog, nil
	}
	return 0, ErrUnknown
}
