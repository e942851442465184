#!/bin/sh
# Prints the path of a browser, or of WebKitGTK's WebDriver:
#
#	tests/find-browser.sh chromium|firefox|webkit
#
# It is $CHROMIUM, $FIREFOX or $WEBKIT_DRIVER, or else the first one on the PATH. What is missing
# is installed with apt where that is permitted; where not, the message says what to do.
set -eu

browser=${1:-}
case $browser in
chromium)
	name=Chromium variable=CHROMIUM chosen=${CHROMIUM:-} packages=chromium
	set -- chromium chromium-browser google-chrome google-chrome-stable
	;;
firefox)
	name=Firefox variable=FIREFOX chosen=${FIREFOX:-} packages=firefox-esr
	set -- firefox-esr firefox
	;;
webkit)
	name="WebKitGTK that can be driven" variable=WEBKIT_DRIVER chosen=${WEBKIT_DRIVER:-}
	packages="webkit2gtk-driver gir1.2-webkit2-4.1 gjs xvfb"
	set -- WebKitWebDriver
	;;
*)
	echo "usage: find-browser.sh chromium|firefox|webkit" >&2
	exit 2
	;;
esac

if [ -n "$chosen" ]; then
	if ! command -v "$chosen" >/dev/null; then
		echo "$variable is set to $chosen, which can't be run" >&2
		exit 1
	fi
	set -- "$chosen"
fi

# WebKitGTK's driver is of use only with what e2e/harness/webkit-window.js needs.
drivable() {
	command -v gjs >/dev/null && command -v Xvfb >/dev/null &&
		gjs -c 'imports.gi.versions.WebKit2 = "4.1"; imports.gi.WebKit2' 2>/dev/null
}

find_browser() {
	[ "$browser" != webkit ] || drivable || return 1
	for program; do
		command -v "$program" && return
	done
	return 1
}

find_browser "$@" && exit
# shellcheck disable=SC2086
"$(dirname "$0")/apt-install.sh" $packages && find_browser "$@" && exit

cat >&2 <<MESSAGE
No $name found. Install one (Debian: sudo apt-get install $packages), or set $variable to the
path of one.
MESSAGE
exit 1
