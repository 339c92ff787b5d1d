#!/bin/sh
# Makes build/c/NAME.wasm from c/NAME.c. Runs in the folder above, where the tools are (see ../build.sh).
set -eu
out=build/c
freestanding() { # NAME BINDINGS SOURCE...
  name=$1
  bindings=$2
  shift 2
  clang --target=wasm32-unknown-unknown -std=gnu11 -Oz -flto -ffreestanding -nostdlib -Wall -Wextra -Wno-unused-parameter \
    -Ic/include -I"$(dirname "$bindings")" -Wl,--no-entry -Wl,--gc-sections -Wl,--strip-all -o $out/$name.core.wasm \
    "$@" c/mini.c "$bindings.c" "${bindings}_component_type.o"
  wasm-tools component new $out/$name.core.wasm -o $out/$name.wasm
}
wit-bindgen c --world test:fixtures/program --out-dir $out build/wit/fixtures >/dev/null
for program in tcp-methods echo-client tcp-client udp-methods cli-methods resolve; do
  freestanding $program $out/program c/$program.c c/guest.c c/tcp.c c/udp.c
done
wit-bindgen c --world test:http/service --out-dir $out/http build/wit/http >/dev/null
freestanding http $out/http/service c/http.c c/http-methods.c c/http-wait.c
# with the function that is unstable
wit-bindgen c --all-features --world test:http-p2/service --out-dir $out/http-p2 build/wit/http-p2 >/dev/null
freestanding http-p2 $out/http-p2/service c/http-p2.c

# with wasi-libc, which stands on WASI 0.2; the crate's linker makes the component at once
clang --target=wasm32-wasip2 -std=gnu11 -Oz -flto -mexec-model=reactor -nodefaultlibs -Wall -Wextra -Wno-unused-parameter -I$out \
  -Wl,--strip-all,--gc-sections -o $out/libc-p2.wasm c/libc-p2.c c/guest.c c/tcp.c $out/program.c $out/program_component_type.o -lc

# commands of wasi-libc: BSD sockets, and bindings of WASI 0.2 of their own; what Debian's clang lacks of a library is in Rust's
builtins=$(find "$(rustc --print sysroot)/lib/rustlib/wasm32-wasip2" -name 'libcompiler_builtins-*.rlib')
wit-bindgen c --world test:p2/program --out-dir $out/p2 build/wit/p2 >/dev/null
command() { # NAME SOURCE...
  name=$1
  shift
  clang --target=wasm32-wasip2 -std=gnu11 -Oz -flto -nodefaultlibs -Wall -Wextra -I$out/p2 -Wl,--strip-all,--gc-sections \
    -o $out/$name.wasm "$@" -lc "$builtins"
}
command p2-bsd c/p2-bsd.c
command p2-methods c/p2-methods.c $out/p2/program.c $out/p2/program_component_type.o
command p2-files c/p2-files.c
