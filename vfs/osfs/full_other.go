//go:build !windows

package osfs

// isDiskFull knows the codes for a full disk that package syscall has no name for.
func isDiskFull(error) bool { return false }
