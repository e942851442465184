//go:build js && wasm

package idbfs

// Metrics counts what was done in the database since Open.
type Metrics struct {
	Read      Traffic // pages, and whole files
	Commit    Traffic // transactions with bytes of files
	Directory Traffic // transactions with nothing but changes of the directory
	Delete    Traffic // transactions that only delete; records and bytes are not counted
	Headroom  Traffic // pieces of it that were written
}

// Traffic is what went over in one way.
type Traffic struct {
	Transactions int64
	Records      int64
	Bytes        int64
}

func (t *Traffic) add(transactions, records int64, bytes int) {
	t.Transactions += transactions
	t.Records += records
	t.Bytes += int64(bytes)
}

func (m *Metrics) count(w *writes) {
	bytes := 0
	for _, r := range w.records {
		bytes += len(r.data)
	}
	switch {
	case len(w.records) > 0:
		m.Commit.add(1, int64(len(w.records)), bytes)
	case len(w.deleted) > 0:
		m.Delete.Transactions++
	default:
		m.Directory.Transactions++
	}
	m.Directory.Records += int64(len(w.entries))
}

// Metrics returns the counts up to now.
func (fs *FS) Metrics() Metrics {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.stats
}
