#!/bin/sh
# Sees to it that C++ LevelDB can be compiled with, by g++. What is missing is installed with apt where
# that is permitted; where not, the message says what to do.
set -eu

packages="g++ libc6-dev libleveldb-dev"

compiles() { echo '#include <leveldb/db.h>' | g++ -fsyntax-only -x c++ - 2>/dev/null; }

compiles && exit
# shellcheck disable=SC2086
"$(dirname "$0")/apt-install.sh" $packages && compiles && exit

echo "No C++ LevelDB found. Install it (Debian: sudo apt-get install $packages)." >&2
exit 1
