#!/bin/sh
# Runs Go tests in a headless Chromium:
#
#	tests/browser/gotest.sh [go test arguments] packages
#
# The browser is the one that ../find-browser.sh finds.
set -eu

cd "$(dirname "$0")/../.."
browser=$(tests/find-browser.sh chromium)
runner=$(go tool -n wasmbrowsertest)
goroot=$(go env GOROOT)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# wasmbrowsertest takes the first browser on its PATH and has no way to add flags. The sandbox
# does not work for root, as which containers run.
sandbox=
[ "$(id -u)" != 0 ] || sandbox=--no-sandbox
mkdir "$work/bin" "$work/home" "$work/tmp"
cat >"$work/bin/headless_shell" <<WRAPPER
#!/bin/sh
exec "$browser" $sandbox --disable-gpu --disable-component-update "\$@"
WRAPPER

# A Go program in WebAssembly has 12 KiB for its arguments and environment together.
cat >"$work/bin/run" <<WRAPPER
#!/bin/sh
exec env -i PATH="$work/bin:/usr/bin:/bin" HOME="$work/home" TMPDIR="$work/tmp" GOROOT="$goroot" "$runner" "\$@"
WRAPPER
chmod +x "$work/bin/headless_shell" "$work/bin/run"

GOOS=js GOARCH=wasm go test -timeout=120s -exec="$work/bin/run" "$@"
