#!/bin/sh
# Runs tests of Go's own runtime and libraries as wasm/slim leaves them, with the collector at work
# all the time: what slim does to calls and stack maps must be wrong for no program.
#
# Left out are tests of what slim takes away: the names and lines of a stack's functions.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/slim" ./wasm/slim

# Go removes the program that it gives to -exec.
cat >"$work/run" <<RUN
#!/bin/sh
set -eu
"$work/slim" "\$1"
exec "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" "\$@"
RUN
chmod +x "$work/run"

export GOOS=js GOARCH=wasm GOGC=5
go test -short -exec="$work/run" -skip 'Callers|PanicInlined|Traceback' \
	-run 'GC|Stack|Defer|Recover|Chan|Select|Panic|Goexit|Finalizer|Grow' runtime
go test -short -exec="$work/run" sort
