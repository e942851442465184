// Package archive is a store as one stream: a tar archive of its files.
//
//  1. What NewReader gives is a POSIX ustar archive of plain files, without directories, that
//     any tar unpacks into a directory that LevelDB programs open. CURRENT is its last file.
//  2. Both directions hold a bounded part of the archive in memory, whatever it holds.
//  3. Restore makes a store or nothing: the archive's files are read and verified before one of
//     them is called CURRENT. What a crash leaves of one that was not done is no store.
//
// Restore takes what other programs make of a store's directory as well: files in a folder, the
// headers of GNU tar and of pax for long names, and files of others among the store's, which it
// leaves out.
//
//	archive  member ... | at least one block of zeros
//	member   header | content | zeros up to a whole block
//	header   one block of 512 bytes:
//	  0  name       100 bytes, ended by a zero if it is shorter
//	100  mode, uid, gid   8 bytes each
//	124  size       12 bytes: digits of base 8, ended by a zero or a space
//	136  mtime      12 bytes, as size
//	148  checksum   8 bytes: the sum of the header's bytes, with spaces in this place
//	156  type       1 byte: 0, or a zero, is a plain file
//	157  link      100 bytes
//	257  magic       8 bytes: "ustar", a zero, "00"
//	265  (owners, devices)
//	345  prefix    155 bytes, in front of the name
package archive
