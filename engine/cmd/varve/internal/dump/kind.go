package dump

import (
	"bytes"
	"encoding/binary"

	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/record"
)

// kindByContent recognises a file whose name tells nothing.
func (d *dumper) kindByContent() (base.FileKind, error) {
	if d.size >= footerLen {
		footer, err := d.read(d.size-footerLen, footerLen)
		if err != nil {
			return 0, err
		}
		if binary.LittleEndian.Uint64(footer[footerLen-8:]) == footerMagic {
			return base.FileTable, nil
		}
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
