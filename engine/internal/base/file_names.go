package base

import (
	"strconv"
	"strings"
)

// FileNum numbers logs, tables and manifests, in one sequence.
type FileNum uint64

// FileKind says what a file of a store holds.
type FileKind uint8

// The kinds of files, with LevelDB's names for them.
const (
	FileLog      FileKind = iota // 000123.log
	FileTable                    // 000123.ldb; 000123.sst is read, too
	FileManifest                 // MANIFEST-000123
	FileCurrent                  // CURRENT
	FileLock                     // LOCK
	FileTemp                     // 000123.dbtmp
	FileInfoLog                  // LOG, LOG.old: other programs' diagnostics
)

// CurrentName is the file that names the live manifest.
const CurrentName = "CURRENT"

// StagedName is what CURRENT is called in a store that is being put in place, file by file: while
// it is there and CURRENT is not, the other files are no store yet.
const StagedName = "000000.dbtmp"

// FileName returns the name of the file of that kind and number.
func FileName(kind FileKind, num FileNum) string {
	switch kind {
	case FileLog:
		return sixDigits(num) + ".log"
	case FileTable:
		return sixDigits(num) + ".ldb"
	case FileManifest:
		return "MANIFEST-" + sixDigits(num)
	case FileTemp:
		return sixDigits(num) + ".dbtmp"
	case FileLock:
		return "LOCK"
	case FileInfoLog:
		return "LOG"
	}
	return CurrentName
}

// sixDigits returns a number with at least so many digits. Package fmt would do it, but a store in a
// page can be opened without that being compiled.
func sixDigits(num FileNum) string {
	digits := strconv.FormatUint(uint64(num), 10)
	return "000000"[min(len(digits), 6):] + digits
}

// ParseFileName tells the kind and number of a file; ok is false if it is none of a store's.
func ParseFileName(name string) (kind FileKind, num FileNum, ok bool) {
	switch name {
	case CurrentName:
		return FileCurrent, 0, true
	case "LOCK":
		return FileLock, 0, true
	case "LOG", "LOG.old":
		return FileInfoLog, 0, true
	}
	if rest, found := strings.CutPrefix(name, "MANIFEST-"); found {
		num, ok = parseFileNum(rest)
		return FileManifest, num, ok
	}
	stem, extension, _ := strings.Cut(name, ".")
	switch extension {
	case "log":
		kind = FileLog
	case "ldb", "sst":
		kind = FileTable
	case "dbtmp":
		kind = FileTemp
	default:
		return 0, 0, false
	}
	num, ok = parseFileNum(stem)
	return kind, num, ok
}

func parseFileNum(digits string) (FileNum, bool) {
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
	}
	num, err := strconv.ParseUint(digits, 10, 64)
	return FileNum(num), err == nil
}

// OldTableName returns the name that LevelDB gave tables before version 1.14.
func OldTableName(num FileNum) string { return sixDigits(num) + ".sst" }
