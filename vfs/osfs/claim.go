package osfs

import "strings"

// claimName returns the name of the Linux socket that claims a directory, by device and inode. It
// is in no file system, belongs to one process at a time, and ends with it. It has the full length
// of such names, since old versions of Node would pad it.
func claimName(device, inode string) string {
	name := "varve:" + device + ":" + inode + ":"
	return name + strings.Repeat(".", max(0, 107-len(name)))
}
