#!/usr/bin/env bash
# Lays out the WIT the guests are built from below build/wit (git-ignored):
#   build/wit/0.3.0   our worlds, and WASI as version 0.3.0 (the same text as 0.3.2 with another number)
#   build/wit/0.3.2   WASI 0.3.2 as published, for the guests that name that version
# WASI comes from ../wit where the repository carries it, else from the crate wasip3.
set -euo pipefail
cd "$(dirname "$0")"
CRATE=wasip3-0.10.0+wasi-0.3.2

fetch_crate() {
  [ -d "build/$CRATE" ] && return
  mkdir -p build
  curl -fsSL "https://static.crates.io/crates/wasip3/$CRATE.crate" | tar xz -C build
}

if [ -n "$(find ../wit/deps -name '*.wit' 2>/dev/null)" ]; then
  source=../wit/deps
else
  fetch_crate
  source=build/$CRATE/wit/deps
fi

rm -rf build/wit
mkdir -p build/wit/0.3.0/deps build/wit/0.3.2/deps
cp -r "$source"/. build/wit/0.3.2/deps
cp -r "$source"/. build/wit/0.3.0/deps
find build/wit/0.3.0 -name '*.wit' -exec sed -i 's/@0\.3\.[0-9]\+/@0.3.0/g' {} +
# sed leaves the version inside @since(version = 0.3.0) alone: it has no @ in front of the number
cp wit/*.wit build/wit/0.3.0/ 2>/dev/null
