"""What one direct host call costs: registered by wasihost, and by wasmtime-py's own `add_func`."""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Callable
from typing import Any

import wasmtime
from wasmtime.component import Component, Linker, ResourceAny, ResourceHost, ResourceType

from wasihost import ResourceTable, add_tcp_to_linker
from wasihost.network.os_network import OsNetwork

CALLS = 20_000

# Makes a socket, then calls get-hop-limit on it so many times.
GUEST = """
(component
  (import "wasi:sockets/types@0.3.0" (instance $types
    (export "tcp-socket" (type $tcp (sub resource)))
    (type $f (enum "ipv4" "ipv6")) (export "ip-address-family" (type $family (eq $f)))
    (type $e (variant (case "access-denied") (case "not-supported") (case "invalid-argument") (case "out-of-memory")
      (case "timeout") (case "invalid-state") (case "address-not-bindable") (case "address-in-use")
      (case "remote-unreachable") (case "connection-refused") (case "connection-broken") (case "connection-reset")
      (case "connection-aborted") (case "datagram-too-large") (case "other" (option string))))
    (export "error-code" (type $error (eq $e)))
    (export "[static]tcp-socket.create"
      (func (param "address-family" $family) (result (result (own $tcp) (error $error)))))
    (export "[method]tcp-socket.get-hop-limit"
      (func (param "self" (borrow $tcp)) (result (result u8 (error $error)))))))
  (alias export $types "tcp-socket" (type $tcp))
  (alias export $types "[static]tcp-socket.create" (func $create))
  (alias export $types "[method]tcp-socket.get-hop-limit" (func $get))
  (core module $libc (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $create (canon lower (func $create) (memory $memory) (realloc $realloc)))
  (core func $get (canon lower (func $get) (memory $memory) (realloc $realloc)))
  (core func $drop (canon resource.drop $tcp))
  (core module $main
    (import "" "create" (func $create (param i32 i32)))
    (import "" "get" (func $get (param i32 i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "libc" "memory" (memory 1))
    (func (export "run") (param $n i32) (local $socket i32)
      (call $create (i32.const 0) (i32.const 64))
      (local.set $socket (i32.load (i32.const 68)))
      (loop $more
        (call $get (local.get $socket) (i32.const 64))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br_if $more (local.get $n)))
      (call $drop (local.get $socket))))
  (core instance $main (instantiate $main (with "libc" (instance $libc))
    (with "" (instance (export "create" (func $create)) (export "get" (func $get)) (export "drop" (func $drop))))))
  (func (export "run") (param "n" u32) (canon lift (core func $main "run"))))
"""


def with_wasihost(linker: Linker) -> None:
    add_tcp_to_linker(linker, ResourceTable(), OsNetwork())


def with_add_func(linker: Linker) -> None:
    """The shortest provider one can write with wasmtime-py alone."""
    sockets: dict[int, socket.socket] = {}

    def create(_store: Any, family: str) -> Any:
        sockets[1] = socket.socket(socket.AF_INET if family == "ipv4" else socket.AF_INET6)
        return ResourceHost.own(1, 1)

    def get_hop_limit(store: Any, this: ResourceAny) -> Any:
        return sockets[this.to_host(store).rep].getsockopt(socket.IPPROTO_IP, socket.IP_TTL)

    with linker.root() as root, root.add_instance("wasi:sockets/types@0.3.0") as types:
        types.add_resource("tcp-socket", ResourceType.host(1), lambda _store, rep: sockets.pop(rep).close())
        types.add_func("[static]tcp-socket.create", create)
        types.add_func("[method]tcp-socket.get-hop-limit", get_hop_limit)


def measure(register: Callable[[Linker], None], calls: int) -> float:
    """Seconds for one call."""
    engine = wasmtime.Engine()
    linker, store = Linker(engine), wasmtime.Store(engine)
    register(linker)
    run = linker.instantiate(store, Component(engine, GUEST)).get_func(store, "run")
    assert run is not None
    run(store, 10)
    started = time.perf_counter()
    run(store, calls)
    return (time.perf_counter() - started) / calls


def compare_direct_calls(rounds: int) -> None:
    """Prints what a get-hop-limit costs either way."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(measure(with_wasihost, CALLS))
        theirs.append(measure(with_add_func, CALLS // 10))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"get-hop-limit on a socket: {statistics.median(ours) * 1e6:.2f} µs, "
        f"through add_func {statistics.median(theirs) * 1e6:.2f} µs: {ratio:.2f} x   goal 0.25"
    )


if __name__ == "__main__":
    compare_direct_calls(5)
