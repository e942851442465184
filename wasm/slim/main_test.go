package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build compiles the crashing program, and returns the path of the module.
func build(t *testing.T) string { return buildOf(t, "./testdata/crash") }

func buildOf(t *testing.T, program string) string {
	t.Helper()
	module := filepath.Join(t.TempDir(), "program.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", module, program)
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return module
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustSlim(t *testing.T, module []byte) []byte {
	t.Helper()
	slimmed, err := slim(module)
	if err != nil {
		t.Fatal(err)
	}
	return slimmed
}

// run runs a module by Node, and returns what it wrote.
func run(t *testing.T, module string) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	glue := filepath.Join(strings.TrimSpace(string(root)), "lib/wasm/wasm_exec_node.js")
	out, err := exec.Command("node", glue, module).CombinedOutput()
	if err == nil {
		t.Fatalf("the program ended without a crash:\n%s", out)
	}
	return string(out)
}

func TestSlimmedProgramRunsAsBeforeAndNamesItsFunctionsWhenItCrashes(t *testing.T) {
	module := build(t)
	before := run(t, module)
	if !strings.Contains(before, "main.go:") {
		t.Fatalf("before it is slimmed, a crash does not tell the line:\n%s", before)
	}
	if err := slimFile(module); err != nil {
		t.Fatal(err)
	}
	after := run(t, module)

	const crash = "panic: runtime error: index out of range [3] with length 3"
	did, _, ok := strings.Cut(before, crash)
	if !ok {
		t.Fatalf("not the crash that was meant:\n%s", before)
	}
	did += crash
	if !strings.HasPrefix(after, did) {
		t.Fatalf("slimmed it does not do the same:\n%s", after)
	}
	trace := strings.TrimPrefix(after, did)
	for _, want := range []string{"main.inner", "main.outer", "main.main"} {
		if !strings.Contains(trace, want) {
			t.Errorf("a crash does not name %s:\n%s", want, trace)
		}
	}
	if strings.Contains(trace, "main.go") {
		t.Errorf("a crash names a file:\n%s", trace)
	}
}

func TestSlimmedModuleIsSmallerToSend(t *testing.T) {
	module := read(t, build(t))
	slimmed := mustSlim(t, module)
	before, after := compressed(t, module), compressed(t, slimmed)
	if after > before*8/10 {
		t.Errorf("%d bytes were %d", after, before)
	}
}

// compressed returns the length of data as gzip sends it.
func compressed(t *testing.T, data []byte) int {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

func TestSlimmingTwiceIsSlimmingOnce(t *testing.T) {
	once := mustSlim(t, read(t, build(t)))
	if !bytes.Equal(mustSlim(t, once), once) {
		t.Error("the second time it changed something")
	}
}

func TestNamesOfTheStandardLibraryBecomeTheirPackage(t *testing.T) {
	cases := map[string]string{
		"runtime.mallocgc":                        "runtime.",
		"internal/poll.(*FD).Read":                "internal/poll.",
		"slices.SortFunc[go.shape.[]main.x/y.z]":  "slices.",
		"runtime.":                                "runtime.",
		"main.main":                               "",
		"github.com/varvedb/varve/engine.Open":    "",
		"gopkg.in/yaml%2ev3.(*Node).Decode.func1": "",
		"memchr": "",
		"":       "",
	}
	for name, want := range cases {
		if got, _ := shorten(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func TestNamesThatStayStayWhole(t *testing.T) {
	n := newNames([]byte("main.(*Größe).Maß\x00main.other\x00main.hash·1\x00"))
	for _, at := range []uint32{0, uint32(bytes.Index(n.table, []byte("main.hash")))} {
		name, err := n.name(at)
		if err != nil {
			t.Fatal(err)
		}
		n.use(at, name)
	}
	n.clearUnused()
	if want := "main.(*Größe).Maß\x00" + strings.Repeat("\x00", len("main.other")+1) + "main.hash·1\x00"; string(n.table) != want {
		t.Errorf("got %q, want %q", n.table, want)
	}
}

func TestWhatIsNoGoModuleIsRefusedAndNotTouched(t *testing.T) {
	module := read(t, build(t))
	wrongMagic := bytes.Replace(module, []byte(headerStart), []byte("\xf0\xff\xff\xff\x00\x00\x01\x08"), 1)
	wrongCount := bytes.Clone(module)
	wrongCount[bytes.Index(module, []byte(headerStart))+8]++
	cases := map[string][]byte{
		"empty":           {},
		"not WebAssembly": []byte("<!doctype html>"),
		"no data":         []byte("\x00asm\x01\x00\x00\x00"),
		"cut":             module[:len(module)-1000],
		"wrong magic":     wrongMagic,
		"wrong count":     wrongCount,
		"another Go":      bytes.ReplaceAll(module, []byte(knownGo), []byte("go1.25")),
		"a later Go":      bytes.ReplaceAll(module, []byte(knownGo+"."), []byte("go1.260")),
		"Go of no name":   bytes.ReplaceAll(module, []byte("producers"), []byte("PRODUCERS")),
	}
	for name, data := range cases {
		before := bytes.Clone(data)
		if _, err := slim(data); err == nil {
			t.Errorf("%s: no error", name)
		}
		if !bytes.Equal(data, before) {
			t.Errorf("%s: it was changed", name)
		}
	}
}
