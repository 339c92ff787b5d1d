#!/bin/sh
# Sets up the peers that come from npm, in .peers beside this file: jco, its WASI 0.3 shim, and the node they run on.
# Needs npm. The wasmtime CLI is found on the PATH, or named by $WASMTIME.
set -eu
cd "$(dirname "$0")"
mkdir -p .peers
cd .peers
[ -e package.json ] || echo '{ "private": true, "type": "module" }' >package.json
npm install --no-audit --no-fund --save-exact \
  @bytecodealliance/jco@1.35.0 @bytecodealliance/preview3-shim@0.7.0 node@26.10.0
