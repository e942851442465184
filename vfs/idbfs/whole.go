//go:build js && wasm

package idbfs

import (
	"strings"
	"syscall/js"
)

// Who takes a store over reads at once what opening it takes: the files that are read whole are
// then in memory, where asking for one after the other would cost a transaction each.

// maxWhole bounds how many bytes of sealed files are read so.
const maxWhole = 8 << 20

// isWhole reports whether a file is read whole, or is one of those small ones that are needed to open
// the store.
func (e entry) isWhole() bool {
	return e.name != "" && (!e.sealed || !e.paged || e.name == rootFile || strings.HasPrefix(e.name, "MANIFEST-"))
}

// wholeRead is the requests for a file.
type wholeRead struct {
	id            int64
	records, last js.Value // last: a cursor at the last record, of a file that is to be fenced off
}

// readWhole reads those files, if whole is set, and finds the ends of the files that are to be fenced
// off. ours reports the files whose writers are of this FS.
func (tx *transaction) readWhole(l *listing, ours func(id int64) bool, whole bool) error {
	var reads []wholeRead
	var last js.Value
	if err := try(func() { reads, last = tx.askWhole(l, ours, whole) }); err != nil {
		tx.abort()
		return err
	}
	if len(reads) == 0 {
		return nil
	}
	if _, err := tx.await(last); err != nil {
		return err
	}
	l.whole = make(map[int64]runOfRecords)
	for _, r := range reads {
		e := l.entries[r.id]
		if r.last.Truthy() {
			e.records = 0
			if cursor := r.last.Get("result"); cursor.Truthy() {
				e.records = int64(cursor.Get("key").Float())&indexMask + 1
			}
			l.entries[r.id] = e
			l.unfenced = append(l.unfenced, r.id)
		}
		run := runOfRecords{paged: true}
		// What is damaged, or too much, is left to who opens the file.
		if r.records.Truthy() && run.append(r.records.Get("result"), tx.db.names.uint8Array) == nil && run.records == e.records {
			l.whole[r.id] = run
		}
	}
	return nil
}

func (tx *transaction) askWhole(l *listing, ours func(id int64) bool, whole bool) (reads []wholeRead, last js.Value) {
	pages, size := tx.store(tx.db.names.pages), int64(0)
	for id, e := range l.entries {
		if !e.sealed && ours(id) {
			continue
		}
		r := wholeRead{id: id}
		all := tx.db.jsRange(keyRange{recordKey(id, 0), recordKey(id+1, 0)})
		if whole && e.isWhole() && size+e.size <= maxWhole {
			size += e.size
			r.records = pages.Call("getAll", all, recordsAtOnce)
			last = r.records
		}
		if !e.sealed && !e.fenced {
			r.last = pages.Call("openKeyCursor", all, "prev")
			last = r.last
		}
		if r.records.Truthy() || r.last.Truthy() {
			reads = append(reads, r)
		}
	}
	return reads, last
}

// adopt takes over what was read of files whole.
func (fs *FS) adopt(whole map[int64]runOfRecords) {
	if len(whole) > 0 {
		fs.stats.Read.Transactions++
	}
	for id, run := range whole {
		f := fs.files[id]
		switch {
		case f == nil || f.dirty || f.writing:
		case !f.sealed:
			fs.measured(f, run)
		case int64(len(run.content)) == f.committed.size:
			fs.stats.Read.add(0, run.records, len(run.content))
			f.content = run.content
		}
	}
}
