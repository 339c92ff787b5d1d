"""The methods of Wasmtime's `HostTcpSocket` in a wasmtime `Linker` of your own, without an adapter component."""

from __future__ import annotations

import wasmtime
from wasmtime.component import Linker

from wasihost._component.resources import ResourceTable
from wasihost._component.running.engine import check_compiles
from wasihost._component.running.imports.callbacks import PlainContext
from wasihost._component.running.imports.linking import Linking, Registrar
from wasihost._component.running.imports.providers import Providers
from wasihost._component.world.wiring import Wiring
from wasihost._network.base import Network
from wasihost._network.names import Names
from wasihost._policy import Policy, deny_all
from wasihost._policy.policy import checked
from wasihost._wasi.p3 import sockets
from wasihost._wasi.sockets.access import Access


def add_tcp_to_linker(linker: Linker, table: ResourceTable, network: Network, policy: Policy = deny_all) -> None:
    """Registers the 22 methods of `HostTcpSocket`: the resource `tcp-socket` of `wasi:sockets/types@0.3` but for
    connect, listen, send and receive.

    For guests that use only these, with plain `linker.instantiate`; sockets live in `table`. The policy must answer at
    once. For the others there is `adapt`. Errors: ForkError, see `configure`.
    """
    from importlib.resources import files  # takes 3 ms to import

    from wasihost._component.world.reflect import reflect

    check_compiles(linker.engine)
    text = files("wasihost._wasi.p3.sockets").joinpath("tcp-socket.wat").read_text(encoding="utf-8")
    world = reflect(linker.engine, bytes(wasmtime.wat2wasm(text)))
    providers = Providers(sockets.providers(Access(network, checked(policy)), Names(network.resolve)))
    linking = Linking(Wiring(world, shares_memory=False), providers)
    Registrar(linker, PlainContext(table)).add_direct(linking)
