#!/bin/sh
# Prints the path of WebKitGTK's WebDriver: $WEBKIT_DRIVER, or the one on the PATH. What it drives
# is e2e/harness/webkit-window.js, which needs gjs, WebKitGTK's bindings and Xvfb. What is missing
# is installed with apt where that is permitted; where not, the message says what to do.
set -eu

PACKAGES="webkit2gtk-driver gir1.2-webkit2-4.1 gjs xvfb"

find_webkit() {
	command -v gjs >/dev/null && command -v Xvfb >/dev/null || return 1
	gjs -c 'imports.gi.versions.WebKit2 = "4.1"; imports.gi.WebKit2' 2>/dev/null || return 1
	command -v "${WEBKIT_DRIVER:-WebKitWebDriver}"
}

find_webkit && exit
# shellcheck disable=SC2086
"$(dirname "$0")/apt-install.sh" $PACKAGES && find_webkit && exit

cat >&2 <<MESSAGE
No WebKitGTK that can be driven found. Install it (Debian: sudo apt-get install $PACKAGES).
MESSAGE
exit 1
