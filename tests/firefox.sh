#!/bin/sh
# Prints the path of a Firefox: $FIREFOX, or the first one on the PATH. If there is none it is
# installed with apt where that is permitted; where not, the message says what to do.
set -eu

find_firefox() {
	for name in firefox-esr firefox; do
		command -v "$name" && return
	done
	return 1
}

if [ -n "${FIREFOX:-}" ]; then
	if ! command -v "$FIREFOX"; then
		echo "FIREFOX is set to $FIREFOX, which can't be run" >&2
		exit 1
	fi
	exit
fi

find_firefox && exit
"$(dirname "$0")/apt-install.sh" firefox-esr && find_firefox && exit

cat >&2 <<'MESSAGE'
No Firefox found. Install one (Debian: sudo apt-get install firefox-esr), or set FIREFOX to the
path of one.
MESSAGE
exit 1
