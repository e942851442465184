package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build compiles the crashing program, and returns the path of the module.
func build(t *testing.T) string {
	t.Helper()
	module := filepath.Join(t.TempDir(), "crash.wasm")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", module, "./testdata/crash")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return module
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

func TestStrippedProgramRecoversAndNamesFunctionsWhenItCrashes(t *testing.T) {
	module := build(t)
	if out := run(t, module); !strings.Contains(out, "main.go:21") {
		t.Fatalf("before it is stripped, a crash does not tell the line:\n%s", out)
	}
	if err := stripFile(module); err != nil {
		t.Fatal(err)
	}
	out := run(t, module)
	for _, want := range []string{"recovered: runtime error: index out of range [5] with length 0", "main.inner", "main.outer", "main.main"} {
		if !strings.Contains(out, want) {
			t.Errorf("a crash does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "main.go") {
		t.Errorf("a crash names a file:\n%s", out)
	}
}

func TestStrippingTwiceIsStrippingOnce(t *testing.T) {
	module, err := os.ReadFile(build(t))
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(module)
	if err := strip(module); err != nil {
		t.Fatal(err)
	}
	once := bytes.Clone(module)
	if bytes.Equal(once, before) {
		t.Fatal("nothing was stripped")
	}
	if err := strip(module); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(module, once) {
		t.Error("the second time it changed something")
	}
}

func TestWhatIsNoGoModuleIsRefusedAndNotTouched(t *testing.T) {
	module, err := os.ReadFile(build(t))
	if err != nil {
		t.Fatal(err)
	}
	wrongMagic := bytes.Replace(module, []byte(headerStart), []byte("\xf0\xff\xff\xff\x00\x00\x01\x08"), 1)
	cases := map[string][]byte{
		"empty":           {},
		"not WebAssembly": []byte("<!doctype html>"),
		"no data":         []byte("\x00asm\x01\x00\x00\x00"),
		"cut":             module[:len(module)-1000],
		"wrong magic":     wrongMagic,
	}
	for name, data := range cases {
		before := bytes.Clone(data)
		if err := strip(data); err == nil {
			t.Errorf("%s: no error", name)
		}
		if !bytes.Equal(data, before) {
			t.Errorf("%s: it was changed", name)
		}
	}
}
