"""`add_wasip2_tcp_to_linker`: `wasi:sockets/tcp@0.2` in an embedder's own linker, called through wasmtime-py."""

from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import Any

import pytest
import wasmtime
from wasmtime.component import Component, Linker, Variant

from tests.embedding.wasip2_guest import IMPORTS, LIBC, wasip2_guest, world
from tests.guests.harness import PREBUILT
from wasihost import (
    OsNetwork,
    Policy,
    ProviderError,
    ResourceTable,
    add_wasip2_tcp_to_linker,
    allow_all,
    configure,
    deny_all,
)
from wasihost._component.world.reflect import reflect

ADDRESS = Variant("ipv4", SimpleNamespace(port=0, address=(127, 0, 0, 1)))


class Embedder:
    """A program with its own engine, linker and store."""

    def __init__(self, policy: Policy = allow_all, version: str = "0.2.12") -> None:
        engine = wasmtime.Engine()
        self.table = ResourceTable()
        self.store, linker = wasmtime.Store(engine), Linker(engine)
        add_wasip2_tcp_to_linker(linker, self.table, OsNetwork(), policy)
        self.instance = linker.instantiate(self.store, Component(engine, wasip2_guest(engine, version)))

    def __call__(self, name: str, *args: Any) -> Any:
        """Calls a function that the guest forwards."""
        func = self.instance.get_func(self.store, name)
        assert func is not None
        return func(self.store, *args)

    def await_ready(self, resource: str, handle: Any) -> None:
        pollable = self(f"{resource}-subscribe", handle)
        while not self("pollable-ready", pollable):
            pass

    def listener(self) -> Any:
        """A socket that listens on a free port."""
        made = ok(self("create-tcp-socket", "ipv4"))
        network = self("instance-network")
        for name, *args in (("bind", network, ADDRESS), ("listen",)):
            assert ok(self(f"tcp-socket-start-{name}", made, *args)) is None
            assert ok(self(f"tcp-socket-finish-{name}", made)) is None
        return made


def ok(result: Any) -> Any:
    """The value of a result that is ok; wasmtime-py gives some as they are."""
    if isinstance(result, Variant) and result.tag in ("ok", "err"):
        assert result.tag == "ok", result
        return result.payload
    return result


def code(result: Any) -> Any:
    """The error-code of a result that is err."""
    return result.payload if isinstance(result, Variant) and result.tag == "err" else result


@pytest.mark.parametrize("version", ["0.2.0", "0.2.12"])
def test_a_guest_of_any_0_2_can_be_instantiated(version: str) -> None:
    Embedder(version=version)


def test_it_is_all_of_tcp_and_what_a_guest_imports_of_the_rest() -> None:
    engine = wasmtime.Engine(configure(wasmtime.Config()))
    registered = world(engine).imports
    assert len(registered["wasi:sockets/tcp@0.2.0"].funcs) == 28
    imported = reflect(engine, (PREBUILT / "rust-p2-tcp.wasm").read_bytes()).imports
    for name, interface in registered.items():
        for path, func in imported[name.replace("0.2.0", "0.2.12")].funcs.items():
            assert repr(interface.funcs[path]) == repr(func)


def test_a_guest_serves_a_connection() -> None:
    embedder = Embedder()
    listener = embedder.listener()
    local = ok(embedder("tcp-socket-local-address", listener))
    with socket.create_connection(("127.0.0.1", local.payload.port)) as peer:
        embedder.await_ready("tcp-socket", listener)
        accepted, received, sent = ok(embedder("tcp-socket-accept", listener))
        peer.sendall(b"hello")
        embedder.await_ready("input-stream", received)
        assert ok(embedder("input-stream-blocking-read", received, 5)) == b"hello"
        assert ok(embedder("output-stream-check-write", sent)) > 0
        ok(embedder("output-stream-write", sent, b"world"))
        ok(embedder("output-stream-blocking-flush", sent))
        assert peer.recv(10) == b"world"
        assert ok(embedder("tcp-socket-remote-address", accepted)).payload.port == peer.getsockname()[1]
        ok(embedder("tcp-socket-shutdown", accepted, "both"))
        assert peer.recv(1) == b""
    embedder.table.clear()


OPTIONS = {
    "keep-alive-enabled": True,
    "keep-alive-idle-time": 7_000_000_000,
    "keep-alive-interval": 2_000_000_000,
    "keep-alive-count": 3,
    "hop-limit": 42,
}


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_is_set_is_read(option: str) -> None:
    embedder = Embedder()
    made = ok(embedder("create-tcp-socket", "ipv4"))
    assert ok(embedder(f"tcp-socket-set-{option}", made, OPTIONS[option])) is None
    assert ok(embedder(f"tcp-socket-{option}", made)) == OPTIONS[option]
    embedder.table.clear()


def test_the_other_methods_answer_in_a_new_socket() -> None:
    embedder = Embedder()
    made = ok(embedder("create-tcp-socket", "ipv6"))
    assert embedder("tcp-socket-address-family", made) == "ipv6"
    assert embedder("tcp-socket-is-listening", made) is False
    assert embedder("pollable-ready", embedder("tcp-socket-subscribe", made)) is True
    for name in ("send", "receive"):
        assert ok(embedder(f"tcp-socket-set-{name}-buffer-size", made, 65536)) is None
        assert ok(embedder(f"tcp-socket-{name}-buffer-size", made)) > 0
    assert ok(embedder("tcp-socket-set-listen-backlog-size", made, 5)) is None
    for name in ("finish-bind", "finish-listen", "finish-connect"):
        assert code(embedder(f"tcp-socket-{name}", made)) == "not-in-progress"
    for name in ("start-listen", "accept", "remote-address"):
        assert code(embedder(f"tcp-socket-{name}", made)) == "invalid-state"
    embedder.table.clear()


def test_the_policy_is_asked() -> None:
    embedder = Embedder(deny_all)
    made = ok(embedder("create-tcp-socket", "ipv4"))
    assert code(embedder("tcp-socket-start-bind", made, embedder("instance-network"), ADDRESS)) == "access-denied"
    embedder.table.clear()


def test_what_would_have_to_wait_says_so() -> None:
    embedder = Embedder()
    pollable = embedder("tcp-socket-subscribe", embedder.listener())
    with pytest.raises(ProviderError, match=r"pollable\.block waited, which is only possible in a Host"):
        embedder("pollable-block", pollable)
    embedder.table.clear()


OWNER = f"""
  {LIBC}
  (core func $create (canon lower (func $tcp-create-socket "create-tcp-socket") (memory $memory)))
  (core func $network (canon lower (func $instance-network "instance-network")))
  (core func $bind (canon lower (func $tcp "[method]tcp-socket.start-bind") (memory $memory)))
  (core module $m
    (import "libc" "memory" (memory 1))
    (import "" "create" (func $create (param i32 i32)))
    (import "" "network" (func $network (result i32)))
    (import "" "bind" (func $bind (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (func (export "bind-to-any-port") (local $z i32)
      (call $create (i32.const 0) (i32.const 64))
      (call $bind (i32.load (i32.const 68)) (call $network)
        (i32.const 0) (i32.const 0) (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1)
        (local.get $z) (local.get $z) (local.get $z) (local.get $z) (local.get $z) (local.get $z) (i32.const 128))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "" (instance
    (export "create" (func $create)) (export "network" (func $network)) (export "bind" (func $bind))))))
  (func (export "bind-to-any-port") (canon lift (core func $i "bind-to-any-port"))))"""


def test_a_guest_that_owns_both_socket_and_network_cannot_bind_in_wasmtime_50() -> None:
    """Wasmtime fails before it calls the host: there is nothing that registering could change."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    linker = Linker(engine)
    table = ResourceTable()
    add_wasip2_tcp_to_linker(linker, table, OsNetwork(), allow_all)
    guest = Component(engine, bytes(wasmtime.wat2wasm(IMPORTS.rstrip().removesuffix(")") + OWNER)))
    bind = linker.instantiate(store, guest).get_func(store, "bind-to-any-port")
    assert bind is not None
    with pytest.raises(wasmtime.WasmtimeError, match="deferred host scope has no call context"):
        bind(store)
    table.clear()
