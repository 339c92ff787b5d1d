#!/usr/bin/env bash
# Builds every fixture from source into prebuilt/, with prebuilt/SHA256SUMS.
#   build.sh             needs a rustup with the targets wasm32-unknown-unknown and wasm32-wasip2, clang with lld,
#                        wit-bindgen-cli 0.63.0 and wasm-tools
#   GUEST_RUN="guest-toolchain run" build.sh
#                        runs the tools through that command (it must see this folder as its current directory)
#   build.sh NAME...     only these: rust, p2, rust_p2, c
set -euo pipefail
cd "$(dirname "$0")"
GUEST_RUN=${GUEST_RUN:-}
RELEASE=rust/target/wasm32-unknown-unknown/release
P2_RELEASE=rust/target/wasm32-wasip2/release

# name in prebuilt/ = what cargo calls it
RUST="rust-echo-server=echo_server rust-tcp-client=tcp_client rust-tcp-load=tcp_load rust-calls=calls \
rust-tcp-states=tcp_states rust-tcp-connections=tcp_connections rust-tcp-options=tcp_options rust-tcp-streams=tcp_streams \
rust-udp=udp rust-udp-states=udp_states rust-udp-echo=udp_echo rust-resolve=resolve \
rust-exports=exports rust-streams=streams rust-kv-client=kv_client rust-cancel=cancel rust-p3-crate=p3_crate rust-two-versions=two_versions \
rust-clocks=clocks rust-random=random rust-cli=cli rust-cat=cat rust-order=order rust-everything=everything rust-cloud=cloud rust-files=files rust-http=http rust-http-gate=http_gate rust-grpc=grpc rust-shown=shown"

tool() { $GUEST_RUN "$@"; }

# the component without names, producers and other custom sections
install_fixture() { # FROM NAME
  tool wasm-tools strip -a "$1" -o "prebuilt/$2.wasm"
}

# what panics say must not depend on where this machine keeps its crates
cargo_build() { # ARGUMENT...
  tool sh -c '
    cd rust
    crates=${CARGO_HOME:-$HOME/.cargo}/registry/src
    exec cargo build --release --locked --config "build.rustflags = [\"--remap-path-prefix=$crates=crates\"]" "$@"
  ' sh "$@"
}

build_rust() {
  cargo_build
  cargo_build -p exports -p streams -p shown
  cargo_build -p http
  for pair in $RUST; do
    install_fixture "$RELEASE/${pair#*=}.wasm" "${pair%=*}"
  done
}

# std for wasm32-wasip2 imports WASI 0.2 by itself
build_p2() {
  cargo_build -p hello-p2 -p std-p2 -p bin-p3 -p report --target wasm32-wasip2
  cargo_build -p notes --target wasm32-wasip2
  install_fixture "$P2_RELEASE/hello_p2.wasm" rust-hello-p2
  install_fixture "$P2_RELEASE/std_p2.wasm" rust-std-p2
  install_fixture "$P2_RELEASE/bin-p3.wasm" rust-bin-p3
  install_fixture "$P2_RELEASE/report.wasm" rust-report
  install_fixture "$P2_RELEASE/notes.wasm" rust-notes
}

# what std, tokio and the crate wasip2 make of WASI 0.2: commands with a `main`
build_rust_p2() {
  tool sh -c '
    cd rust-p2
    crates=${CARGO_HOME:-$HOME/.cargo}/registry/src
    exec cargo build --release --locked --config "build.rustflags = [\"--remap-path-prefix=$crates=crates\"]"
  '
  for name in io tcp udp net tokio files fs; do
    install_fixture "rust-p2/target/wasm32-wasip2/release/p2-$name.wasm" "rust-p2-$name"
  done
  install_fixture rust-p2/target/wasm32-wasip2/release/p2_http.wasm rust-p2-http
}

build_c() {
  tool sh c/build.sh
  install_fixture build/c/tcp-methods.wasm c-tcp-methods
  install_fixture build/c/echo-client.wasm c-echo-client
  install_fixture build/c/tcp-client.wasm c-tcp-client
  install_fixture build/c/udp-methods.wasm c-udp-methods
  install_fixture build/c/cli-methods.wasm c-cli-methods
  install_fixture build/c/resolve.wasm c-resolve
  install_fixture build/c/http.wasm c-http
  install_fixture build/c/http-p2.wasm c-p2-http
  install_fixture build/c/libc-p2.wasm c-libc-p2
  install_fixture build/c/p2-bsd.wasm c-p2-bsd
  install_fixture build/c/p2-methods.wasm c-p2-methods
  install_fixture build/c/p2-files.wasm c-p2-files
}

checksums() { (cd prebuilt && sha256sum -- *.wasm >SHA256SUMS); }

./wit.sh
mkdir -p prebuilt
[ $# -gt 0 ] || set -- rust p2 rust_p2 c
for part in "$@"; do
  "build_$part"
done
checksums
