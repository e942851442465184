#!/bin/sh
# Runs every fuzz target for a while:
#
#	tests/fuzz.sh [duration of each, 3s if not given]
set -eu

duration=${1:-3s}
cd "$(dirname "$0")/.."
output=$(mktemp)
trap 'rm -f "$output"' EXIT

fuzz() {
	go test -run '^$' -fuzz "^$1\$" -fuzztime "$duration" -fuzzminimizetime 2s "$2" >"$output" 2>&1
}

grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' engine vfs wasm tests |
	xargs -n1 dirname | sort -u | while read -r folder; do
	for target in $(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$folder"/*_test.go | sed 's/^func //'); do
		# Go takes the end of the time for a failure now and then. An input that fails is always named.
		if ! fuzz "$target" "./$folder" && { grep -q 'Failing input' "$output" ||
			! grep -q '^ *context deadline exceeded$' "$output" || ! fuzz "$target" "./$folder"; }; then
			cat "$output"
			exit 1
		fi
		echo "$folder $target: $(grep -o 'execs: [0-9]*' "$output" | tail -1)"
	done
done
