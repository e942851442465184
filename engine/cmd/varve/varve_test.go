package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/engine"
	"github.com/varvedb/varve/tests/bench/dbbench"
	"github.com/varvedb/varve/vfs"
	"github.com/varvedb/varve/vfs/osfs"
)

func TestLinesRoundTripEveryByteString(t *testing.T) {
	rng := newRand(t)
	for range 2000 {
		key, value := randomBytes(rng, 1+rng.IntN(20)), randomBytes(rng, rng.IntN(40))
		line := appendLine(nil, key, value)
		if n := bytes.Count(line, []byte{'\n'}); n != 1 || bytes.IndexByte(line, '\r') >= 0 {
			t.Fatalf("line of %q, %q is not one line: %q", key, value, line)
		}
		gotKey, gotValue, err := parseLine(line[:len(line)-1])
		if err != nil || !bytes.Equal(gotKey, key) || !bytes.Equal(gotValue, value) {
			t.Fatalf("%q, %q came back as %q, %q, %v", key, value, gotKey, gotValue, err)
		}
	}
}

func TestImportReadsBackWhatScanPrints(t *testing.T) {
	rng := newRand(t)
	entries := map[string]string{}
	for len(entries) < 3000 {
		entries[string(randomBytes(rng, 1+rng.IntN(12)))] = string(randomBytes(rng, rng.IntN(300)))
	}
	entries["big"] = string(randomBytes(rng, 3<<20))
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	fill(t, first, entries)

	printed := mustRun(t, "", "scan", first)
	mustRun(t, printed, "import", second, "-")
	for _, dir := range []string{first, second} {
		got := contents(t, dir)
		if len(got) != len(entries) {
			t.Errorf("%s: %d entries, want %d", dir, len(got), len(entries))
		}
		for key, value := range entries {
			if got[key] != value {
				t.Fatalf("%s: %q has %.60q, want %.60q", dir, key, got[key], value)
			}
		}
	}
	if again := mustRun(t, "", "scan", second); again != printed {
		t.Error("scan of the copy prints something else")
	}
}

func TestImportStoresManyBatchesBeforeBadLine(t *testing.T) {
	var lines strings.Builder
	const good = 300
	for i := range good {
		lines.Write(appendLine(nil, []byte{'k', byte(i >> 8), byte(i)}, make([]byte, 10_000)))
	}
	lines.WriteString("bad\nnever\tstored\n")
	dir := t.TempDir()
	r := runVarve(lines.String(), "import", dir, "-")
	want := "varve: standard input:301: no tab between a key and a value; the first 300 lines are stored in " + dir + " and stay there\n"
	if r.status != 3 || r.err != want {
		t.Errorf("status %d, message %q, want %q", r.status, r.err, want)
	}
	if n := len(contents(t, dir)); n != good {
		t.Errorf("%d entries stored, want %d", n, good)
	}
}

func TestImportShowsProgressOnTerminal(t *testing.T) {
	var lines, errs strings.Builder
	for i := range 250 {
		lines.Write(appendLine(nil, []byte{'k', byte(i)}, make([]byte, 10_000)))
	}
	env := &environment{in: strings.NewReader(lines.String()), out: io.Discard, err: &errs, progress: true, now: clock()}
	if status := env.run([]string{"import", t.TempDir(), "-"}); status != 0 {
		t.Fatalf("status %d: %s", status, &errs)
	}
	want := "\r105 lines, 105 lines/s \r210 lines, 105 lines/s \r\x1b[K250 lines stored in 3.0 s, 83 lines/s\n"
	if errs.String() != want {
		t.Errorf("progress %q, want %q", &errs, want)
	}
}

func TestLineLongerThanAnyEntryIsRefused(t *testing.T) {
	env := &environment{in: &endless{}, out: io.Discard, err: io.Discard, now: clock()}
	err := importFile(env, []string{t.TempDir(), "-"})
	if err == nil || !strings.Contains(err.Error(), "standard input:1: line is longer than any entry's") {
		t.Errorf("import of an endless line: %v", err)
	}
}

// endless is a line without an end.
type endless struct{}

func (*endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestFailureToReadInputIsReported(t *testing.T) {
	var errs strings.Builder
	env := &environment{in: &failingReader{}, out: io.Discard, err: &errs, now: clock()}
	if status := env.run([]string{"import", t.TempDir(), "-"}); status != 3 || !strings.Contains(errs.String(), "standard input:2: pulled out") {
		t.Errorf("status %d, message %q", status, &errs)
	}
}

// failingReader gives one line and then fails.
type failingReader struct{ given bool }

func (r *failingReader) Read(p []byte) (int, error) {
	if r.given {
		return 0, errors.New("pulled out")
	}
	r.given = true
	return copy(p, "k\tv\n"), nil
}

func TestFailureToPrintIsReported(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, "", "put", dir, "k", "v")
	for _, args := range [][]string{
		{"get", dir, "k"}, {"scan", dir}, {"stats", dir}, {"verify", dir}, {"compact", dir},
		{"checkpoint", dir, t.TempDir()}, {"repair", dir}, {"dump", filepath.Join(dir, "CURRENT")}, {"bench", t.TempDir()},
		{"help"}, {"help", "get"}, {"get", "--help"}, {"version"},
	} {
		var errs strings.Builder
		env := &environment{out: fullWriter{}, err: &errs, now: clock()}
		if status := env.run(args); status != 3 || errs.String() != "varve: full\n" {
			t.Errorf("%q to a full disk: status %d, message %q", args, status, &errs)
		}
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestStatsTable(t *testing.T) {
	m := engine.Metrics{Memtables: 2, MemtableBytes: 4096}
	m.Levels[0] = engine.LevelMetrics{Files: 3, Bytes: 6_000_000, Smallest: []byte("a"), Largest: []byte("z\xff")}
	m.Levels[2] = engine.LevelMetrics{Files: 1200, Bytes: 2_500_000_000, Smallest: []byte("b"), Largest: bytes.Repeat([]byte("long"), 10)}
	files := []vfs.FileInfo{{Name: "000001.ldb", Size: 1000}, {Name: "CURRENT", Size: 16}}
	var b strings.Builder
	check(t, printStats(&b, m, files))
	want := `level     files          bytes  keys
0             3        6000000  "a" to "z\xff"
2          1200     2500000000  "b" to "longlonglonglonglonglong"...
tables     1203     2506000000
memtable      2           4096
on disk       2           1016
`
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
}

func TestStatsOfStore(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, map[string]string{"a": "1", "z": "2"})
	mustRun(t, "", "compact", dir)
	got := mustRun(t, "", "stats", dir)
	want := `level     files          bytes  keys
1             1            * "a" to "z"
tables        1            *
memtable      1            *
on disk       3            *
`
	if !matches(strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(want), " ")) {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestVerifyNamesDamagedTable(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, map[string]string{"key": strings.Repeat("value", 100)})
	mustRun(t, "", "compact", dir)
	table := flipByte(t, dir, "*.ldb", 10)
	r := runVarve("", "verify", dir)
	if r.status != 4 || !strings.HasPrefix(r.err, "varve: verify: "+table+" is corrupt at 0: ") {
		t.Errorf("status %d, message %q", r.status, r.err)
	}
}

func TestRepairSavesWhatCanBeRead(t *testing.T) {
	dir := t.TempDir()
	entries := map[string]string{}
	for i := range 300 {
		entries[fmt.Sprintf("key%03d", i)] = strings.Repeat("value", 20)
	}
	fill(t, dir, entries)
	mustRun(t, "", "compact", dir)
	table := flipByte(t, dir, "*.ldb", 10)
	for _, want := range []string{table + " is corrupt at 0", "Lost, with an unknown number of records:", `keys from "key000" to "key`, table + ".damaged"} {
		if report := runVarve("", "repair", copyOf(t, dir)).out; !strings.Contains(report, want) {
			t.Errorf("%q is missing in the report:\n%s", want, report)
		}
	}
	mustRun(t, "", "repair", dir)
	mustRun(t, "", "verify", dir)
	left := contents(t, dir)
	if len(left) == 0 || len(left) == len(entries) || left["key299"] != entries["key299"] {
		t.Errorf("%d of %d entries are left", len(left), len(entries))
	}
	r := runVarve("", "dump", filepath.Join(dir, table+".damaged"))
	if r.status != 4 || !strings.Contains(r.out, "\n0: damaged: block 1, ") {
		t.Errorf("dump of the file that was kept: status %d\n%s", r.status, r.out)
	}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	check(t, os.CopyFS(to, os.DirFS(dir)))
	return to
}

func TestEveryFileOfAnOpenStoreIsDumped(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, map[string]string{"in a table": "1"})
	mustRun(t, "", "compact", dir)
	check(t, withStore(dir, func(s store) error {
		check(t, s.Put([]byte("in a log"), []byte("22"), engine.Relaxed))
		files, err := s.fs.List()
		check(t, err)
		var all strings.Builder
		for _, f := range files {
			all.WriteString(mustRun(t, "", "dump", "--entries", filepath.Join(dir, f.Name)))
		}
		for _, want := range []string{`put "in a log" 2 bytes`, `"in a table"@1,put 1 bytes`, "the manifest is MANIFEST-", "comparator "} {
			if !strings.Contains(all.String(), want) {
				t.Errorf("%q is missing in:\n%s", want, &all)
			}
		}
		return nil
	}))
}

func TestBenchNamesEveryWorkload(t *testing.T) {
	help := mustRun(t, "", "help", "bench")
	for _, w := range dbbench.Workloads() {
		if !strings.Contains(help, w.Name) {
			t.Errorf("%s is missing in:\n%s", w.Name, help)
		}
	}
}

func TestLockedStoreIsNamedByEveryCommand(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, "", "put", dir, "k", "v")
	fs, err := osfs.Open(dir)
	check(t, err)
	lock, err := fs.Lock()
	check(t, err)
	want := "varve: " + dir + " is locked: another program has the store open; close it there and try again\n"
	for _, args := range [][]string{
		{"put", dir, "k", "v"}, {"get", dir, "k"}, {"del", dir, "k"}, {"scan", dir}, {"import", dir, "-"},
		{"stats", dir}, {"verify", dir}, {"compact", dir}, {"checkpoint", dir, t.TempDir()}, {"repair", dir},
	} {
		if r := runVarve("", args...); r.status != 3 || r.err != want {
			t.Errorf("%q: status %d, message %q, want %q", args, r.status, r.err, want)
		}
	}
	check(t, lock.Close())
	check(t, fs.Close())
}

func TestVersionNamesProgram(t *testing.T) {
	for _, arg := range []string{"version", "--version"} {
		if got := mustRun(t, "", arg); !strings.HasPrefix(got, "varve ") || strings.Count(got, "\n") != 1 {
			t.Errorf("%s prints %q", arg, got)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range commands() {
		if got := mustRun(t, "", "help", c.name); !strings.HasPrefix(got, "usage: varve "+c.name) {
			t.Errorf("help %s prints %q", c.name, got)
		}
	}
}

func mustRun(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := runVarve(stdin, args...)
	if r.status != 0 {
		t.Fatalf("%q: status %d: %s", args, r.status, r.err)
	}
	return r.out
}

// fill stores entries in the store in dir, behind the command line's back.
func fill(t *testing.T, dir string, entries map[string]string) {
	t.Helper()
	check(t, withNewStore(dir, func(s store) error {
		for key, value := range entries {
			if err := s.Put([]byte(key), []byte(value), engine.Relaxed); err != nil {
				return err
			}
		}
		return nil
	}))
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries := map[string]string{}
	check(t, withStore(dir, func(s store) error {
		it, err := s.NewIterator(engine.IterOptions{})
		if err != nil {
			return err
		}
		for more := it.First(); more; more = it.Next() {
			entries[string(it.Key())] = string(it.Value())
		}
		return errors.Join(it.Error(), it.Close())
	}))
	return entries
}

var seedFlag = flag.Uint64("varve.seed", 0, "seed of random content; 0 draws one")

func newRand(t *testing.T) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-varve.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// randomBytes returns n bytes, of which many are such as lines have to escape.
func randomBytes(rng *rand.Rand, n int) []byte {
	const special = "\t\n\r\\tnr\x00\xff"
	b := make([]byte, n)
	for i := range b {
		if b[i] = byte(rng.Uint32()); rng.IntN(3) == 0 {
			b[i] = special[rng.IntN(len(special))]
		}
	}
	return b
}

// flipByte damages the one file in dir that pattern matches, and returns its name.
func flipByte(t *testing.T, dir, pattern string, offset int) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("files %s: %q, %v", pattern, paths, err)
	}
	content, err := os.ReadFile(paths[0])
	check(t, err)
	content[offset] ^= 0xff
	check(t, os.WriteFile(paths[0], content, 0o644))
	return filepath.Base(paths[0])
}
