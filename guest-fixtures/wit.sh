#!/usr/bin/env bash
# Lays out the WIT the guests are built from: build/wit/NAME (git-ignored) holds wit/NAME.wit, with WASI below deps if it is named
# there, in the version that is named. WASI comes from ../wit where the repository carries it, else from the crate wasip3; 0.3.0 is
# the text of 0.3.2 with another number.
set -euo pipefail
cd "$(dirname "$0")"
CRATE=wasip3-0.10.0+wasi-0.3.2

fetch_crate() {
  [ -d "build/$CRATE" ] && return
  mkdir -p build
  curl -fsSL "https://static.crates.io/crates/wasip3/$CRATE.crate" | tar xz -C build
}

if [ -n "$(find ../wit/0.3/deps -name '*.wit' 2>/dev/null)" ]; then
  source=../wit/0.3/deps
else
  fetch_crate
  source=build/$CRATE/wit/deps
fi

rm -rf build/wit
for world in wit/*.wit; do
  folder=build/wit/$(basename "$world" .wit)
  mkdir -p "$folder"
  cp "$world" "$folder"
  if [ "$world" = wit/cloud.wit ]; then
    mkdir "$folder/deps"
    cp -r ../wit/{config,keyvalue,keyvalue-draft2,logging} "$folder/deps"
    continue
  fi
  if grep -q '@0\.2\.' "$world"; then
    cp -r ../wit/0.2/deps "$folder/deps"
    continue
  fi
  version=$(sed -n 's/.*\(@0\.3\.[0-9]*\).*/\1/p' "$world" | sort -u)
  [ -n "$version" ] || continue
  mkdir "$folder/deps"
  # @since(version = 0.3.0) is left alone: there is no @ in front of that number
  for wit in "$source"/*.wit; do
    sed "s/@0\.3\.[0-9][0-9]*/$version/g" "$wit" >"$folder/deps/$(basename "$wit")"
  done
done
