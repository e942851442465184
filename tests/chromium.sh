#!/bin/sh
# Prints the path of a Chromium: $CHROMIUM, or the first one on the PATH. If there is none it
# is installed with apt where that is permitted; where not, the message says what to do.
set -eu

find_chromium() {
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		command -v "$name" && return
	done
	return 1
}

if [ -n "${CHROMIUM:-}" ]; then
	if ! command -v "$CHROMIUM"; then
		echo "CHROMIUM is set to $CHROMIUM, which can't be run" >&2
		exit 1
	fi
	exit
fi

find_chromium && exit
"$(dirname "$0")/apt-install.sh" chromium && find_chromium && exit

cat >&2 <<'MESSAGE'
No Chromium found. Install one (Debian: sudo apt-get install chromium), or set CHROMIUM to
the path of a Chromium or Chrome.
MESSAGE
exit 1
