#!/usr/bin/env bash
# Lays out the WIT the guests are built from below build/wit (git-ignored):
#   build/wit/NAME    wit/NAME.wit with WASI as version 0.3.0 below deps (the text of 0.3.2 with another number)
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
mkdir -p build/wit/0.3.2/deps
cp -r "$source"/. build/wit/0.3.2/deps
for world in wit/*.wit; do
  name=$(basename "$world" .wit)
  folder=build/wit/$name
  mkdir -p "$folder/deps"
  cp "$world" "$folder"
  [ "$name" = exports ] && continue
  cp -r "$source"/. "$folder/deps"
  # sed leaves @since(version = 0.3.0) alone: there is no @ in front of that number
  find "$folder/deps" -name '*.wit' -exec sed -i 's/@0\.3\.[0-9]\+/@0.3.0/g' {} +
done
