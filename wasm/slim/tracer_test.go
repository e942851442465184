package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTracerGoesFromProgramsThatCannotTrace(t *testing.T) {
	emptied := func(program string) int {
		m, err := parseModule(read(t, buildOf(t, program)))
		if err != nil {
			t.Fatal(err)
		}
		tb, err := findTables(m.memory)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.emptyTracer(tb); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range m.functions {
			if len(f.code) == 2 && f.code[0].op == opUnreachable {
				n++
			}
		}
		return n
	}
	if n := emptied("./testdata/crash"); n < 50 {
		t.Errorf("only %d functions are empty", n)
	}
	if n := emptied("./testdata/trace"); n > 10 {
		t.Errorf("%d functions are empty of a program that traces", n)
	}
}

func TestSlimmedProgramTraces(t *testing.T) {
	module := buildOf(t, "./testdata/trace")
	if err := slimFile(module); err != nil {
		t.Fatal(err)
	}
	if out := run(t, module); !strings.Contains(out, "traced: true, error: <nil>") {
		t.Errorf("it does not:\n%s", out)
	}
}

func TestOnlyWhatNothingElseUsesIsTracing(t *testing.T) {
	calls := func(callee int64) instruction { return with(opCall, 2+callee) }
	m := &module{imports: 2, memory: make([]byte, 16), functions: []*function{
		newFunction(calls(1)), // the tracer
		newFunction(calls(2), with(opI64Const, pcOf(3))),
		newFunction(calls(2), calls(6)),
		newFunction(calls(4), calls(5)),
		newFunction(),
		newFunction(),
		newFunction(),
		newFunction(calls(4)), // not the tracer, and nothing calls it
	}}
	order.PutUint64(m.memory[8:], uint64(pcOf(5)))
	tracing := make([]bool, len(m.functions))
	tracing[0] = true
	candidates := slices.Repeat([]bool{true}, len(m.functions))
	candidates[6] = false
	m.closeOver(tracing, candidates)
	if want := []bool{true, true, true, true, false, false, false, false}; !slices.Equal(tracing, want) {
		t.Errorf("got %v, want %v", tracing, want)
	}
}

func TestMethodThatAsksWhetherThereIsTracingStays(t *testing.T) {
	for name, want := range map[string]bool{
		"runtime.traceLocker.GoStart": true,
		"runtime.traceLocker.ok":      false,
		"runtime.traceAcquireEnabled": true,
		"runtime.traceAdvance":        true,
		"runtime.traceEnabled":        false,
		"runtime.traceback1":          false,
		"runtime.gopanic":             false,
		"main.traceLocker.GoStart":    false,
	} {
		if got := isTracing(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
