#!/bin/sh
# Installs Debian packages where that is permitted, and fails where it is not, or if NO_INSTALL
# is set.
#	apt-install.sh PACKAGE...
set -eu

[ -z "${NO_INSTALL:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 1
echo "installing Debian's $*" >&2
apt-get update >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
