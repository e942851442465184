#!/bin/sh
# Runs Go tests in a headless Chromium:
#
#	tests/browser/gotest.sh [go test arguments] packages
#
# The browser is $CHROMIUM, or else the first of chromium, chromium-browser and google-chrome
# on the PATH.
set -eu

browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome; do
	[ -n "$browser" ] || browser=$(command -v "$name" || true)
done
if [ -z "$browser" ]; then
	echo "gotest.sh: no Chromium on the PATH; set CHROMIUM" >&2
	exit 1
fi

cd "$(dirname "$0")/../.."
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
