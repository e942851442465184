package session

import "github.com/varvedb/varve/vfs"

// meter is a file system that knows more of what it takes than the sizes of its files.
type meter interface{ Usage() vfs.Usage }

// usage names what the store takes of its medium, as stats names metrics.
func usage(fs vfs.FS) ([]field, error) {
	u := vfs.Usage{MediumUsed: -1, MediumSize: -1}
	if m, ok := fs.(meter); ok {
		u = m.Usage()
	} else {
		infos, err := fs.List()
		if err != nil {
			return nil, err
		}
		for _, info := range infos {
			u.Stored += info.Size
		}
	}
	fields := []field{number("disk.bytes", u.Stored)}
	if u.MediumUsed >= 0 && u.MediumSize >= 0 {
		fields = append(fields, number("disk.origin.usage", u.MediumUsed), number("disk.origin.quota", u.MediumSize))
	}
	return fields, nil
}
