#!/bin/sh
# Runs db_bench's workloads on a store in memory natively, in Node and in a headless Chromium,
# and prints microseconds an operation side by side: what WebAssembly, and one thread, cost.
#
#	tests/bench/wasm.sh [number of records, 100000 if not given]
set -eu

records=${1:-100000}
cd "$(dirname "$0")/../.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# bench NAME COMMAND... keeps the command's output under that name.
bench() {
	name=$1
	shift
	"$@" -run='^$' -bench=Workloads -benchtime="${records}x" -cpu=1 ./tests/bench/dbbench >"$out/$name" || {
		cat "$out/$name" >&2
		exit 1
	}
}

bench native go test
bench node env GOOS=js GOARCH=wasm go test -exec="$(go env GOROOT)/lib/wasm/go_js_wasm_exec"
bench chromium tests/browser/gotest.sh

cd "$out"
awk '
	/µs\/op/ {
		sub(/^BenchmarkWorkloads\//, "", $1)
		if (!seen[$1]++) names[++count] = $1
		for (i = 2; i < NF; i++) if ($(i + 1) == "µs/op") micros[$1, FILENAME] = $i
	}
	END {
		printf "%-18s %10s %10s %10s\n", "µs/op", "native", "node", "chromium"
		for (i = 1; i <= count; i++) {
			n = names[i]
			printf "%-18s %10.2f %10.2f %10.2f\n", n, micros[n, "native"], micros[n, "node"], micros[n, "chromium"]
		}
	}' native node chromium
