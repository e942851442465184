package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/engine/internal/base"
	"github.com/varvedb/varve/engine/internal/manifest"
	"github.com/varvedb/varve/engine/internal/record"
	"github.com/varvedb/varve/engine/internal/sstable"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/memfs"
)

// repairOptions make a few hundred keys fill several levels.
func repairOptions() *engine.Options {
	return &engine.Options{
		MemtableSize: 16 << 10, TableSize: 4 << 10, BaseLevelSize: 12 << 10, BlockSize: 512,
		L0CompactionFiles: 4, L0StopFiles: 12,
	}
}

// damagedStore is a store to be damaged, with what is known of it while it is whole.
type damagedStore struct {
	fs      *memfs.FS
	model   map[string]string
	entries []location
	logs    []string // oldest first
}

// location is where an entry is stored.
type location struct {
	key, value string // user key
	seq        base.Seq
	kind       base.Kind
	file       string
	from, to   int64 // of the block, or the log record, that it is in
	table      base.FileNum
}

// newDamagedStore makes a store with several levels, two tables in level 0, three logs that were
// not replayed, overwritten and deleted keys.
func newDamagedStore(t testing.TB, seed uint64) *damagedStore {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 0))
	s := &damagedStore{fs: memfs.New(), model: map[string]string{}}
	// How deep the tree gets depends on when its compactions run.
	for deepLevels(t, s.fs) < 2 {
		db := openStore(t, s.fs)
		for range 4000 {
			s.write(t, db, rng)
		}
		must(t, db.Flush())
		for full := repairOptions().L0CompactionFiles; db.Metrics().Levels[0].Files >= full; {
			time.Sleep(time.Millisecond)
		}
		must(t, db.Close())
	}
	db := openQuiet(t, s.fs)
	for range 2 {
		for range 150 {
			s.write(t, db, rng)
		}
		must(t, db.Flush())
	}
	for range 3 {
		must(t, db.Close())
		db = openQuiet(t, s.fs)
		for range 25 {
			s.write(t, db, rng)
		}
	}
	must(t, db.Close())
	s.locate(t)
	return s
}

// deepLevels returns the number of levels below 0 that have tables.
func deepLevels(t testing.TB, fs vfs.FS) (levels int) {
	t.Helper()
	exists, err := manifest.Exists(fs)
	must(t, err)
	if !exists {
		return 0
	}
	set, err := manifest.Load(fs)
	must(t, err)
	for _, tables := range set.Current().Levels[1:] {
		levels += min(1, len(tables))
	}
	must(t, set.Close())
	return levels
}

// openQuiet opens the store with options that let no compaction begin.
func openQuiet(t testing.TB, fs vfs.FS) *engine.DB {
	t.Helper()
	options := repairOptions()
	options.L0CompactionFiles, options.L0StopFiles = 100, 100
	options.BaseLevelSize = 1 << 30
	db, err := engine.Open(fs, options)
	must(t, err)
	return db
}

func (s *damagedStore) write(t testing.TB, db *engine.DB, rng *rand.Rand) {
	t.Helper()
	key := fmt.Sprintf("key%04d", rng.IntN(900))
	if rng.IntN(4) == 0 {
		delete(s.model, key)
		must(t, db.Delete([]byte(key), engine.Relaxed))
		return
	}
	value := make([]byte, 10+rng.IntN(60))
	for i := range value {
		value[i] = byte('a' + rng.IntN(26))
	}
	s.model[key] = string(value)
	must(t, db.Put([]byte(key), value, engine.Relaxed))
}

// locate finds out where every entry is, by means that repairing does not use.
func (s *damagedStore) locate(t testing.TB) {
	t.Helper()
	set, err := manifest.Load(s.fs)
	must(t, err)
	levels := 0
	for _, tables := range set.Current().Levels {
		levels += min(1, len(tables))
		for _, table := range tables {
			s.locateTable(t, table.Num)
		}
	}
	infos, err := s.fs.List()
	must(t, err)
	for _, f := range infos {
		if kind, num, _ := base.ParseFileName(f.Name); kind == base.FileLog && num >= set.LogNum() && f.Size > 0 {
			s.locateLog(t, f.Name)
		}
	}
	if l0 := len(set.Current().Levels[0]); levels < 3 || l0 < 2 || len(s.logs) < 3 {
		t.Fatalf("the store has %d levels, %d tables in level 0, %d logs: too few", levels, l0, len(s.logs))
	}
	must(t, set.Close())
}

// extentReader notes what was read last.
type extentReader struct {
	vfs.Reader
	from, to int64
}

func (r *extentReader) ReadAt(p []byte, off int64) (int, error) {
	r.from, r.to = off, off+int64(len(p))
	return r.Reader.ReadAt(p, off)
}

func (s *damagedStore) locateTable(t testing.TB, num base.FileNum) {
	t.Helper()
	name := base.FileName(base.FileTable, num)
	file, err := s.fs.Open(name)
	must(t, err)
	extent := &extentReader{Reader: file}
	table, err := sstable.NewReader(extent, sstable.ReaderOptions{Name: name})
	must(t, err)
	defer table.Close()
	it := table.NewIterator(false)
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		value, kind, found, err := table.Get(it.Key(), sstable.Wait)
		if err != nil || !found {
			t.Fatalf("get %q of %s: %v", it.Key(), name, err)
		}
		s.entries = append(s.entries, location{
			string(base.UserKey(it.Key())), string(value), base.TrailerOf(it.Key()).Seq(), kind,
			name, extent.from, extent.to, num,
		})
	}
}

func (s *damagedStore) locateLog(t testing.TB, name string) {
	t.Helper()
	s.logs = append(s.logs, name)
	file, err := s.fs.Open(name)
	must(t, err)
	defer file.Close()
	records := record.NewReader(file, file.Size(), name)
	for {
		from := records.Offset()
		data, err := records.Next()
		if err == io.EOF {
			return
		}
		must(t, err)
		e := location{seq: base.Seq(data[0]) | base.Seq(data[1])<<8, file: name, from: from, to: records.Offset()}
		e.kind = base.Kind(data[12])
		e.key = string(data[14:][:data[13]])
		if e.kind == base.KindPut {
			e.value = string(data[14+int(data[13])+1:])
		}
		s.entries = append(s.entries, e)
	}
}

// damage is a change of one file.
type damage struct {
	name     string
	file     string
	from, to int64 // the bytes that are not what they were
	content  []byte
	removed  bool
	wholeLog bool // a log's records behind it, up to the next block of the log, can't be told apart
	silent   bool // in a log it looks like what a crash leaves
}

func (d damage) String() string {
	return fmt.Sprintf("%s %s at %d to %d", d.name, d.file, d.from, d.to)
}

func (d damage) touches(e location) bool {
	to := d.to
	if d.wholeLog && strings.HasSuffix(d.file, ".log") {
		to = (to + 32<<10 - 1) / (32 << 10) * (32 << 10)
	}
	return e.file == d.file && e.from < to && e.to > d.from
}

func (d damage) inflict(t testing.TB, fs vfs.FS) {
	t.Helper()
	must(t, fs.Remove(d.file))
	if !d.removed {
		writeFile(t, fs, d.file, d.content)
	}
}

// damages returns ways to damage a file.
func damages(t testing.TB, rng *rand.Rand, fs vfs.FS, name string) []damage {
	t.Helper()
	content := readFile(t, fs, name)
	size := int64(len(content))
	at := rng.Int64N(size)
	if recordEnds(t, content)[at] && at > 0 {
		at-- // a manifest that is cut off behind an edit is whole
	}
	end := min(size, at+1+rng.Int64N(2000))
	flipped, noise, zeros := bytes.Clone(content), bytes.Clone(content), bytes.Clone(content)
	flipped[at] ^= 1 << rng.IntN(8)
	for i := at; i < end; i++ {
		noise[i] ^= byte(1 + rng.IntN(255))
		zeros[i] = 0
	}
	return []damage{
		{name: "bit flipped in", file: name, from: at, to: at + 1, content: flipped},
		{name: "noise in", file: name, from: at, to: end, content: noise, wholeLog: true},
		{name: "zeros in", file: name, from: at, to: end, content: zeros, wholeLog: true, silent: true},
		{name: "end cut off", file: name, from: at, to: size, content: content[:at], wholeLog: true, silent: true},
		{name: "bytes behind the end of", file: name, from: size, to: size, content: append(bytes.Clone(content), "rubbish"...)},
		{name: "nothing left of", file: name, from: 0, to: size, content: nil, silent: true},
		{name: "removed", file: name, from: 0, to: size, removed: true, silent: true},
	}
}

// checkRepaired repairs fs and checks what it then holds: the newest entry of each key, if the
// damage did not touch it, and otherwise that or any entry that there was before.
func (s *damagedStore) checkRepaired(t *testing.T, fs *memfs.FS, damaged map[string]damage) engine.RepairReport {
	t.Helper()
	report, err := engine.Repair(fs, repairOptions())
	if err != nil {
		t.Fatalf("Repair: %v\n%v", err, report)
	}
	got := readStore(t, fs)
	newest := map[string]location{}
	for _, e := range s.entries {
		if n, found := newest[e.key]; !found || e.seq > n.seq {
			newest[e.key] = e
		}
	}
	for key, n := range newest {
		value, found := got[key]
		switch {
		case found == (n.kind == base.KindPut) && value == n.value:
		case !damaged[n.file].touches(n):
			t.Errorf("%s is %q (there: %v), want %q (there: %v): the damage did not touch it, in %s\n%v",
				key, value, found, n.value, n.kind == base.KindPut, n.file, report)
		case found && !slices.ContainsFunc(s.entries, func(e location) bool { return e.key == key && e.value == value }):
			t.Errorf("%s is %q, which it never was", key, value)
		default:
			if !reported(report, damaged[n.file], n) {
				t.Errorf("%s of %s is lost, and not reported:\n%v", key, n.file, report)
			}
		}
	}
	for key := range got {
		if _, found := newest[key]; !found {
			t.Errorf("%s was deleted, and is back\n%v", key, report)
		}
	}
	if again, err := engine.Repair(fs, repairOptions()); err != nil || len(again.Problems) > 0 {
		t.Errorf("Repair of the repaired store: %v, %v", again, err)
	}
	if t.Failed() {
		t.FailNow()
	}
	return report
}

// reported reports whether a loss covers the entry, or nothing could tell that it is lost.
func reported(report engine.RepairReport, d damage, e location) bool {
	if d.silent && strings.HasSuffix(d.file, ".log") {
		return true
	}
	if d.removed && report.Uncertain {
		return true
	}
	from := min(e.from, int64(len(d.content)))
	return slices.ContainsFunc(report.Losses, func(l engine.Loss) bool {
		return l.File == e.file && l.From < e.to && from <= l.To &&
			(l.Lower == nil || string(l.Lower) <= e.key) && (l.Upper == nil || e.key <= string(l.Upper))
	})
}

// readStore opens the store, checks it, and returns its content. It leaves it as it was but for
// one key, which it writes and removes.
func readStore(t testing.TB, fs vfs.FS) map[string]string {
	t.Helper()
	db := openStore(t, fs)
	got := map[string]string{}
	it, err := db.NewIterator(engine.IterOptions{})
	must(t, err)
	for ok := it.First(); ok; ok = it.Next() {
		got[string(it.Key())] = string(it.Value())
		value, err := db.Get(nil, it.Key())
		if err != nil || string(value) != string(it.Value()) {
			t.Fatalf("Get(%q) = %q, %v; the iterator has %q", it.Key(), value, err, it.Value())
		}
	}
	must(t, it.Error())
	must(t, it.Close())
	for _, kv := range [][2]string{{"key0000", "first"}, {"zzz", "last"}} {
		old, wasThere := got[kv[0]]
		must(t, db.Put([]byte(kv[0]), []byte(kv[1]), engine.Strict))
		if value, err := db.Get(nil, []byte(kv[0])); err != nil || string(value) != kv[1] {
			t.Fatalf("a write after the repair reads %q, %v", value, err)
		}
		must(t, db.Flush())
		if value, err := db.Get(nil, []byte(kv[0])); err != nil || string(value) != kv[1] {
			t.Fatalf("a write after the repair reads %q, %v once it is flushed", value, err)
		}
		if wasThere {
			must(t, db.Put([]byte(kv[0]), []byte(old), engine.Strict))
		} else {
			must(t, db.Delete([]byte(kv[0]), engine.Strict))
		}
	}
	must(t, db.Check())
	if _, err := db.Verify(); err != nil {
		t.Fatal(err)
	}
	must(t, db.Close())
	return got
}

func openStore(t testing.TB, fs vfs.FS) *engine.DB {
	t.Helper()
	db, err := engine.Open(fs, repairOptions())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func readFile(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	r, err := fs.Open(name)
	must(t, err)
	defer r.Close()
	content := make([]byte, r.Size())
	if _, err := r.ReadAt(content, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return content
}

func writeFile(t testing.TB, fs vfs.FS, name string, content []byte) {
	t.Helper()
	w, err := fs.Create(name)
	must(t, err)
	_, err = w.Write(content)
	must(t, errors.Join(err, w.Sync(vfs.Strict), w.Close()))
}

func fileNames(t testing.TB, fs vfs.FS) []string {
	t.Helper()
	infos, err := fs.List()
	must(t, err)
	var names []string
	for _, info := range infos {
		names = append(names, info.Name)
	}
	return names
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRepairRecoversAllThatDamageOfOneFileDidNotTouch(t *testing.T) {
	s := newDamagedStore(t, 1)
	rng := rand.New(rand.NewPCG(2, 0))
	for _, name := range fileNames(t, s.fs) {
		if len(readFile(t, s.fs, name)) == 0 {
			continue
		}
		for _, d := range damages(t, rng, s.fs, name) {
			fs := s.fs.Clone()
			d.inflict(t, fs)
			t.Run(d.String(), func(t *testing.T) {
				s.checkRepaired(t, fs, map[string]damage{d.file: d})
			})
		}
	}
}

func TestRepairRecoversAllThatDamageOfSeveralFilesDidNotTouch(t *testing.T) {
	for seed := range uint64(3) {
		s := newDamagedStore(t, 10+seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		names := slices.DeleteFunc(fileNames(t, s.fs), func(name string) bool { return len(readFile(t, s.fs, name)) == 0 })
		for round := range 40 {
			fs := s.fs.Clone()
			hit := map[string]damage{}
			for range 1 + rng.IntN(4) {
				name := names[rng.IntN(len(names))]
				if round%3 == 0 && len(hit) == 0 {
					name = base.CurrentName
				}
				if _, done := hit[name]; !done {
					all := damages(t, rng, fs, name)
					hit[name] = all[rng.IntN(len(all))]
					hit[name].inflict(t, fs)
				}
			}
			t.Run(fmt.Sprint(slices.Collect(maps.Values(hit))), func(t *testing.T) {
				s.checkRepaired(t, fs, hit)
			})
		}
	}
}

func TestRepairOfWholeStoreTouchesNothing(t *testing.T) {
	s := newDamagedStore(t, 1)
	before := s.fs.Clone()
	report, err := engine.Repair(s.fs, repairOptions())
	if err != nil || len(report.Problems) > 0 || report.Rebuilt > 0 {
		t.Fatalf("Repair = %v, %v", report, err)
	}
	checkSameFiles(t, s.fs, before)
	if !strings.Contains(report.String(), "whole") {
		t.Errorf("the report reads %q", report)
	}
}

func checkSameFiles(t testing.TB, fs, want vfs.FS) {
	t.Helper()
	if got, want := fileNames(t, fs), fileNames(t, want); !slices.Equal(got, want) {
		t.Fatalf("there are the files %v, want %v", got, want)
	}
	for _, name := range fileNames(t, fs) {
		if !bytes.Equal(readFile(t, fs, name), readFile(t, want, name)) {
			t.Errorf("%s has changed", name)
		}
	}
}

func TestRepairWithReadableManifestUsesNoTableThatItDoesNotName(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, fs *memfs.FS)
	}{
		{"table damaged", func(t *testing.T, fs *memfs.FS) { flipBit(t, fs, firstOf(t, fs, ".ldb"), 20) }},
		{"table missing", func(t *testing.T, fs *memfs.FS) { must(t, fs.Remove(firstOf(t, fs, ".ldb"))) }},
		{"CURRENT missing", func(t *testing.T, fs *memfs.FS) { must(t, fs.Remove(base.CurrentName)) }},
		{"log damaged", func(t *testing.T, fs *memfs.FS) { flipBit(t, fs, firstOf(t, fs, ".log"), 20) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := memfs.New()
			db := openStore(t, fs)
			must(t, db.Put([]byte("deleted"), []byte("value"), engine.Strict))
			must(t, db.Put([]byte("overwritten"), []byte("old"), engine.Strict))
			must(t, db.Flush())
			obsolete := firstOf(t, fs, ".ldb")
			content := readFile(t, fs, obsolete)
			must(t, db.Delete([]byte("deleted"), engine.Strict))
			must(t, db.Put([]byte("overwritten"), []byte("new"), engine.Strict))
			must(t, db.Compact(nil, nil))
			must(t, db.Put([]byte("another"), []byte("value"), engine.Strict))
			must(t, db.Close())
			db = openStore(t, fs)
			must(t, db.Put([]byte("last"), []byte("value"), engine.Strict))
			must(t, db.Close())
			c.damage(t, fs)
			writeFile(t, fs, obsolete, content)

			report, err := engine.Repair(fs, repairOptions())
			if err != nil || len(report.Problems) == 0 || report.Uncertain {
				t.Fatalf("Repair = %v, %v", report, err)
			}
			got := readStore(t, fs)
			if value, found := got["deleted"]; found {
				t.Errorf("the deleted key is back as %q\n%v", value, report)
			}
			if value := got["overwritten"]; value == "old" {
				t.Errorf("the overwritten value is back\n%v", report)
			}
			if got["last"] != "value" {
				t.Errorf("the last write is lost\n%v", report)
			}
		})
	}
}

// A damaged manifest still says which tables had become obsolete.
func TestRepairWithDamagedManifestUsesNoTableThatItCallsObsolete(t *testing.T) {
	fs := memfs.New()
	db := openStore(t, fs)
	must(t, db.Put([]byte("deleted"), []byte("value"), engine.Strict))
	must(t, db.Flush())
	obsolete := firstOf(t, fs, ".ldb")
	content := readFile(t, fs, obsolete)
	must(t, db.Delete([]byte("deleted"), engine.Strict))
	must(t, db.Put([]byte("kept"), []byte("value"), engine.Strict))
	must(t, db.Compact(nil, nil))
	must(t, db.Put([]byte("newer"), []byte("value"), engine.Strict))
	must(t, db.Flush())
	must(t, db.Close())
	name := firstOf(t, fs, "MANIFEST-")
	flipBit(t, fs, name, len(readFile(t, fs, name))-3)
	writeFile(t, fs, obsolete, content)

	report, err := engine.Repair(fs, repairOptions())
	if err != nil || !report.Uncertain {
		t.Fatalf("Repair = %v, %v", report, err)
	}
	if got, want := readStore(t, fs), map[string]string{"kept": "value", "newer": "value"}; !maps.Equal(got, want) {
		t.Errorf("the repaired store has %v, want %v\n%v", got, want, report)
	}
}

// firstOf returns the first file whose name has that part.
func firstOf(t testing.TB, fs vfs.FS, part string) string {
	t.Helper()
	for _, name := range fileNames(t, fs) {
		if strings.Contains(name, part) && len(readFile(t, fs, name)) > 0 {
			return name
		}
	}
	t.Fatalf("no %s among %v", part, fileNames(t, fs))
	return ""
}

func flipBit(t testing.TB, fs vfs.FS, name string, at int) {
	t.Helper()
	content := readFile(t, fs, name)
	content[at] ^= 4
	must(t, fs.Remove(name))
	writeFile(t, fs, name, content)
}

func TestRepairWithoutAnyManifestMergesAllTablesAndLogs(t *testing.T) {
	for _, c := range []struct {
		name   string
		remove []string
	}{
		{"no CURRENT", []string{base.CurrentName}},
		{"no manifest", []string{"MANIFEST-"}},
		{"neither", []string{base.CurrentName, "MANIFEST-"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newDamagedStore(t, 4)
			for _, part := range c.remove {
				must(t, s.fs.Remove(firstOf(t, s.fs, part)))
			}
			report := s.checkRepaired(t, s.fs, nil)
			if report.Uncertain != (c.name != "no CURRENT") || len(report.Losses) > 0 {
				t.Errorf("the report reads %v", report)
			}
		})
	}
}

// Where a manifest ends within an edit, a crash may be the reason. Where it was damage, all
// is still there.
func TestRepairAfterManifestIsCutOffLosesNothing(t *testing.T) {
	s := newDamagedStore(t, 5)
	name := firstOf(t, s.fs, "MANIFEST-")
	content := readFile(t, s.fs, name)
	ends := recordEnds(t, content)
	for n := 0; n < len(content); n += 1 + n/20 {
		if ends[int64(n)] && n > 0 {
			continue
		}
		fs := s.fs.Clone()
		must(t, fs.Remove(name))
		writeFile(t, fs, name, content[:n])
		t.Run(fmt.Sprintf("%d of %d bytes", n, len(content)), func(t *testing.T) { s.checkRepaired(t, fs, nil) })
	}
}

// recordEnds returns where the records of a log or manifest end.
func recordEnds(t testing.TB, content []byte) map[int64]bool {
	t.Helper()
	ends := map[int64]bool{}
	records := record.NewReader(bytes.NewReader(content), int64(len(content)), "content")
	for err := error(nil); err == nil; _, err = records.Next() {
		ends[records.Offset()] = true
	}
	return ends
}

func TestRepairOfNoStoreIsErrNoStore(t *testing.T) {
	for _, files := range [][]string{nil, {"LOCK", "LOG", "notes.txt", "000001.dbtmp"}} {
		fs := memfs.New()
		for _, name := range files {
			writeFile(t, fs, name, []byte("content"))
		}
		before := fs.Clone()
		if report, err := engine.Repair(fs, nil); !errors.Is(err, engine.ErrNoStore) {
			t.Errorf("Repair of %v = %v, %v", files, report, err)
		}
		checkSameFiles(t, fs, before)
	}
}

func TestRepairTakesTheLock(t *testing.T) {
	s := newDamagedStore(t, 1)
	db := openStore(t, s.fs)
	if _, err := engine.Repair(s.fs, nil); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("Repair of an open store: %v", err)
	}
	must(t, db.Close())
	if _, err := engine.Repair(s.fs, nil); err != nil {
		t.Error(err)
	}
	must(t, openStore(t, s.fs).Close())
}

func TestRepairLeavesForeignFilesAlone(t *testing.T) {
	s := newDamagedStore(t, 1)
	foreign := []string{"000099.ldb.damaged", "LOG", "notes.txt", "x.ldb"}
	for _, name := range foreign {
		writeFile(t, s.fs, name, []byte(name))
	}
	must(t, s.fs.Remove(base.CurrentName))
	s.checkRepaired(t, s.fs, nil)
	for _, name := range foreign {
		if got := readFile(t, s.fs, name); string(got) != name {
			t.Errorf("%s has become %q", name, got)
		}
	}
}

func TestRepairKeepsWhatItCouldNotReadAside(t *testing.T) {
	s := newDamagedStore(t, 1)
	e := s.entries[0]
	flipBit(t, s.fs, e.file, int(e.from)+8)
	damaged := readFile(t, s.fs, e.file)
	report := s.checkRepaired(t, s.fs, map[string]damage{e.file: {file: e.file, from: e.from, to: e.to, content: damaged}})
	if want := []string{e.file + ".damaged"}; !slices.Equal(report.KeptAside, want) {
		t.Fatalf("kept aside %v, want %v", report.KeptAside, want)
	}
	if !bytes.Equal(readFile(t, s.fs, e.file+".damaged"), damaged) {
		t.Error("the file that was kept aside has changed")
	}
	if len(report.Losses) != 1 || report.Losses[0].From != e.from || report.Losses[0].To != e.to {
		t.Errorf("lost is %v, want the block at %d to %d", report.Losses, e.from, e.to)
	}
	for _, part := range []string{e.file, "checksum mismatch", "Kept aside", "keys from"} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("the report lacks %q:\n%v", part, report)
		}
	}
}

func TestRepairRewritesNoTableThatIsWhole(t *testing.T) {
	s := newDamagedStore(t, 1)
	before := s.fs.Clone()
	// The deepest table that has another block beside the damaged one.
	deepest, first := s.entries[0], map[string]int64{}
	for _, e := range s.entries {
		if from, seen := first[e.file]; !seen {
			first[e.file] = int64(e.from)
		} else if e.table != 0 && from != int64(e.from) {
			deepest = e
		}
	}
	flipBit(t, s.fs, deepest.file, int(deepest.from)+8)
	report, err := engine.Repair(s.fs, repairOptions())
	if err != nil || report.Rebuilt != 1 {
		t.Fatalf("Repair = %v, %v", report, err)
	}
	for _, name := range fileNames(t, before) {
		if kind, _, _ := base.ParseFileName(name); kind == base.FileTable && name != deepest.file {
			if !bytes.Equal(readFile(t, s.fs, name), readFile(t, before, name)) {
				t.Errorf("%s has changed", name)
			}
		}
	}
}

func TestRepairReportCountsAllThatIsThere(t *testing.T) {
	fs := memfs.New()
	db := openStore(t, fs)
	const inTables, inLog = 2000, 7
	for i := range inTables + inLog {
		must(t, db.Put(fmt.Appendf(nil, "key%04d", i), []byte("value"), engine.Relaxed))
		if i == inTables-1 {
			must(t, db.Flush())
			must(t, db.Compact(nil, nil))
		}
	}
	must(t, db.Close())
	flipBit(t, fs, firstOf(t, fs, ".ldb"), 8)
	report, err := engine.Repair(fs, repairOptions())
	must(t, err)
	if report.Logs != 1 || report.LogEntries != inLog || report.Rebuilt != 1 || report.Entries == 0 || report.KeptEntries <= inTables/2 {
		t.Errorf("Repair = %+v", report)
	}
	left := len(readStore(t, fs))
	if counted := report.Entries + report.KeptEntries + report.LogEntries; counted != int64(left) || left >= inTables+inLog {
		t.Errorf("%d entries are left, and counted are %d:\n%v", left, counted, report)
	}
	for _, part := range []string{
		"Lost, with an unknown number of records:\n  ",
		fmt.Sprintf("Kept: %d tables, with %d records.\nKept: 1 log, with 7 records.\n", report.Tables-1, report.KeptEntries),
		fmt.Sprintf("Rebuilt: 1 table, with %d records.\n", report.Entries),
	} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("the report lacks %q:\n%v", part, report)
		}
	}
}

func TestRepairRefusesKeysInAnotherOrder(t *testing.T) {
	fs := memfs.New()
	must(t, openStore(t, fs).Close())
	name := firstOf(t, fs, "MANIFEST-")
	zero, next, seq := base.FileNum(0), base.FileNum(9), base.Seq(0)
	e := &manifest.Edit{Comparer: "reverse", LogNum: &zero, NextFileNum: &next, LastSeq: &seq}
	var encoder record.Encoder
	must(t, fs.Remove(name))
	writeFile(t, fs, name, encoder.Append(nil, e.Append(nil)))
	withoutCurrent := fs.Clone()
	must(t, withoutCurrent.Remove(base.CurrentName))
	for _, fs := range []*memfs.FS{fs, withoutCurrent} {
		before := fs.Clone()
		if _, err := engine.Repair(fs, nil); !errors.Is(err, manifest.ErrComparer) {
			t.Errorf("Repair = %v", err)
		}
		checkSameFiles(t, fs, before)
	}
}

func TestRepairWithLittleMemoryRecoversLongLogs(t *testing.T) {
	fs := memfs.New()
	options := &engine.Options{MemtableSize: 4 << 20}
	db, err := engine.Open(fs, options)
	must(t, err)
	want := map[string]string{}
	for i := range 5000 {
		key, value := fmt.Sprintf("key%04d", i*7919%2000), strings.Repeat(fmt.Sprint(i), 20)
		want[key] = value
		must(t, db.Put([]byte(key), []byte(value), engine.Relaxed))
	}
	must(t, db.Close())
	must(t, fs.Remove(base.CurrentName))
	must(t, fs.Remove(firstOf(t, fs, "MANIFEST-")))
	report, err := engine.Repair(fs, repairOptions())
	if err != nil || report.Entries != int64(len(want)) {
		t.Fatalf("Repair = %v, %v; want %d entries", report, err, len(want))
	}
	if got := readStore(t, fs); !maps.Equal(got, want) {
		t.Errorf("the repaired store has %d keys, want %d, or other values", len(got), len(want))
	}
}

// Two records that cross blocks, of lengths such that the first part of the one and the last part
// of the other would make a whole one.
func TestRepairJoinsNoPartsOfDifferentRecords(t *testing.T) {
	const block, header, tail = 32 << 10, 7, 100
	const overhead = 12 + 1 + 2 + 3 // of a batch, an entry, its key, its value's length
	fs := memfs.New()
	db, err := engine.Open(fs, nil)
	must(t, err)
	must(t, db.Put([]byte("a"), bytes.Repeat([]byte("a"), block-header+tail-overhead), engine.Relaxed))
	must(t, db.Put([]byte("b"), bytes.Repeat([]byte("b"), block-2*header-overhead), engine.Relaxed))
	must(t, db.Put([]byte("c"), []byte("c"), engine.Relaxed))
	must(t, db.Close())
	name := firstOf(t, fs, ".log")
	content := readFile(t, fs, name)
	for i := block; i < 2*block; i++ {
		content[i] ^= 0xa5
	}
	must(t, fs.Remove(name))
	writeFile(t, fs, name, content)

	report, err := engine.Repair(fs, nil)
	if err != nil || len(report.Losses) != 1 || report.Losses[0].From != 0 {
		t.Fatalf("Repair = %v, %v", report, err)
	}
	if got := readStore(t, fs); !maps.Equal(got, map[string]string{"c": "c"}) {
		t.Errorf("the repaired store has %.100v, want c only", got)
	}
}

func TestRepairedStoreContinuesAboveEverySequenceNumber(t *testing.T) {
	s := newDamagedStore(t, 1)
	highest := base.Seq(0)
	for _, e := range s.entries {
		highest = max(highest, e.seq)
	}
	must(t, s.fs.Remove(firstOf(t, s.fs, "MANIFEST-")))
	_, err := engine.Repair(s.fs, repairOptions())
	must(t, err)
	set, err := manifest.Load(s.fs)
	must(t, err)
	if got := set.LastSeq(); got < highest {
		t.Errorf("the last sequence number is %d after the repair, want %d at least", got, highest)
	}
}

func TestRepairOfAStoreWithLogsTwiceKeepsTheNewest(t *testing.T) {
	s := newDamagedStore(t, 1)
	for name, again := range map[string][]string{"the oldest": s.logs[:1], "the newest": s.logs[len(s.logs)-1:], "all": s.logs} {
		t.Run(name, func(t *testing.T) {
			fs := s.fs.Clone()
			for i, log := range again {
				writeFile(t, fs, base.FileName(base.FileLog, 900+base.FileNum(i)), readFile(t, fs, log))
			}
			if _, err := engine.Open(fs, nil); !errors.As(err, new(*engine.CorruptionError)) {
				t.Fatalf("Open = %v", err)
			}
			report := s.checkRepaired(t, fs, nil)
			if len(report.Problems) != len(again) || len(report.Losses) > 0 || len(report.KeptAside) > 0 || report.Uncertain {
				t.Errorf("the report reads %v", report)
			}
		})
	}
}

// What is in tables already may lie in deeper levels than what is made of logs.
func TestRepairOfAStoreWithAnObsoleteLogKeepsTheNewest(t *testing.T) {
	fs := memfs.New()
	db := openStore(t, fs)
	must(t, db.Put([]byte("a"), []byte("old"), engine.Strict))
	obsolete := readFile(t, fs, firstOf(t, fs, ".log"))
	must(t, db.Put([]byte("a"), []byte("new"), engine.Strict))
	must(t, db.Compact(nil, nil))
	must(t, db.Put([]byte("b"), []byte("new"), engine.Strict))
	must(t, db.Close())
	writeFile(t, fs, base.FileName(base.FileLog, 900), obsolete)

	report, err := engine.Repair(fs, repairOptions())
	if err != nil || len(report.Problems) != 1 || !report.Uncertain {
		t.Errorf("Repair = %v, %v", report, err)
	}
	if got, want := readStore(t, fs), map[string]string{"a": "new", "b": "new"}; !maps.Equal(got, want) {
		t.Errorf("the repaired store has %v, want %v\n%v", got, want, report)
	}
}
