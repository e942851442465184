//go:build race

package engine

// The race detector makes everything many times slower.
const memoryTestRecords = 100_000
