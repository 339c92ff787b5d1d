"""The guest `rust-calls` on wasmtime-py alone: the shortest providers one can write with `add_func`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import wasmtime
from wasmtime.component import Component, Func, Linker, Record, ResourceAny, ResourceHost, ResourceType, Variant

from benchmarks.contenders.base import PREBUILT

API = "test:calls/api@1.0.0"
TCP = 1  # the type of our resources


class Sockets:
    """As much of `wasi:sockets/types` as the guest imports."""

    def __init__(self) -> None:
        self._open: dict[int, socket.socket] = {}

    def create(self, _store: Any, family: str) -> Any:
        rep = len(self._open) + 1
        self._open[rep] = socket.socket(socket.AF_INET if family == "ipv4" else socket.AF_INET6)
        return ResourceHost.own(rep, TCP)

    def drop(self, _store: Any, rep: int) -> None:
        self._open.pop(rep).close()

    def _of(self, store: Any, this: ResourceAny) -> socket.socket:
        return self._open[this.to_host(store).rep]

    def bind(self, store: Any, this: ResourceAny, address: Variant) -> Any:
        assert address.payload is not None
        opened = self._of(store, this)
        if opened.getsockname()[1]:
            return Variant("invalid-state")
        opened.bind((".".join(map(str, address.payload.address)), address.payload.port))
        return None

    def get_hop_limit(self, store: Any, this: ResourceAny) -> Any:
        return self._of(store, this).getsockopt(socket.IPPROTO_IP, socket.IP_TTL)

    def get_local_address(self, store: Any, this: ResourceAny) -> Any:
        host, port = self._of(store, this).getsockname()
        address: Any = Record()
        address.port, address.address = port, tuple(map(int, host.split(".")))
        return Variant("ok", Variant("ipv4", address))


HOST: dict[str, Callable[..., Any]] = {
    "nothing": lambda _store: None,
    "next": lambda _store, n: n + 1,
    "pass-ten": lambda _store, value: value,
    "take-strings": lambda _store, value: None,
    "take-bytes": lambda _store, value: None,
    "give-bytes": lambda _store, size: bytes(size),
}


class PlainCalls:
    """An instance of the guest."""

    def __init__(self) -> None:
        engine = wasmtime.Engine()
        linker, self._store = Linker(engine), wasmtime.Store(engine)
        sockets = Sockets()
        with linker.root() as root:
            with root.add_instance("test:calls/host@1.0.0") as instance:
                for name, function in HOST.items():
                    instance.add_func(name, function)
            with root.add_instance("wasi:sockets/types@0.3.0") as instance:
                instance.add_resource("tcp-socket", ResourceType.host(TCP), sockets.drop)
                instance.add_func("[static]tcp-socket.create", sockets.create)
                for method in (sockets.bind, sockets.get_hop_limit, sockets.get_local_address):
                    instance.add_func(f"[method]tcp-socket.{method.__name__.replace('_', '-')}", method)
        component = Component.from_file(engine, str(PREBUILT / "rust-calls.wasm"))
        self._instance = linker.instantiate(self._store, component)
        self._repeat, self._echo = self._export("repeat"), self._export("echo-u32")

    def _export(self, name: str) -> Func:
        api = self._instance.get_export_index(self._store, API)
        index = self._instance.get_export_index(self._store, name, api)
        assert index is not None
        function = self._instance.get_func(self._store, index)
        assert function is not None
        return function

    def repeat(self, work: str, times: int) -> None:
        """The guest calls the host so many times."""
        complaint = self._repeat(self._store, work, times)
        assert complaint is None, complaint

    def echo(self, value: int) -> int:
        """Calls the guest."""
        return int(self._echo(self._store, value))
