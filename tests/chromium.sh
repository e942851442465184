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

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "no Chromium found: installing Debian's" >&2
	apt-get update >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium >&2
	find_chromium && exit
fi

cat >&2 <<'MESSAGE'
No Chromium found. Install one (Debian: sudo apt-get install chromium), or set CHROMIUM to
the path of a Chromium or Chrome.
MESSAGE
exit 1
