// Package browser tests the engine on IndexedDB, in a browser: what its operations cost in
// transactions, and what happens to the store when the browser's calls fail.
//
// tests/browser/gotest.sh runs it.
package browser
