#!/bin/sh
# Runs every fuzz target for a while:
#
#	tests/fuzz.sh [duration of each, 3s if not given]
set -eu

duration=${1:-3s}
cd "$(dirname "$0")/.."
output=$(mktemp)
trap 'rm -f "$output"' EXIT

grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' engine vfs wasm tests |
	xargs -n1 dirname | sort -u | while read -r folder; do
	for target in $(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$folder"/*_test.go | sed 's/^func //'); do
		if ! go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" -fuzzminimizetime 2s "./$folder" >"$output" 2>&1; then
			cat "$output"
			exit 1
		fi
		echo "$folder $target: $(grep -o 'execs: [0-9]*' "$output" | tail -1)"
	done
done
