#!/usr/bin/env bash
# Brings what some tests use and Python's registry does not have: tshark, Chromium with its driver, and clients of HTTP.
# Does nothing if they are there. If it cannot install them it says so, and fails in CI; the tests that use them are
# skipped.
set -euo pipefail
missing=()
command -v tshark >/dev/null || missing+=(tshark)
command -v chromedriver >/dev/null || missing+=(chromium chromium-driver)
command -v curl >/dev/null || missing+=(curl)
command -v wrk >/dev/null || missing+=(wrk)
command -v h2load >/dev/null || missing+=(nghttp2-client)
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "not here: ${missing[*]}; install them, as root with apt-get, to run every test" >&2
  [ -z "${CI:-}" ]
  exit
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
