//go:build !race

package engine

const memoryTestRecords = 1_000_000
