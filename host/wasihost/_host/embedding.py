"""TCP of WASI 0.3 and 0.2 in a wasmtime `Linker` of your own, without an adapter component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import wasmtime
from wasmtime.component import Linker

from wasihost._base.streams import Unwritten
from wasihost._component.resources import ResourceTable
from wasihost._component.running.engine import check_compiles
from wasihost._network.base import Network
from wasihost._network.names import Names
from wasihost._policy import Policy, deny_all
from wasihost._policy.policy import checked
from wasihost._wasi.sockets.access import Access

if TYPE_CHECKING:  # to import wasihost shall not take the time of the machine
    from wasihost._component.running.imports.providers import Method
    from wasihost._component.running.store_context import Bind


def add_tcp_to_linker(linker: Linker, table: ResourceTable, network: Network, policy: Policy = deny_all) -> None:
    """Registers the 22 methods of `HostTcpSocket`: the resource `tcp-socket` of `wasi:sockets/types@0.3` but for
    connect, listen, send and receive.

    For guests that use only these, with plain `linker.instantiate`; sockets live in `table`. The policy must answer at
    once. For the others there is `adapt`. Errors: ForkError, see `configure`.
    """
    from wasihost._wasi.p3 import sockets

    providers = sockets.providers(Access(network, checked(policy)), Names(network.resolve))
    _add(linker, table, "wasihost._wasi.p3.sockets", providers)


def add_wasip2_tcp_to_linker(linker: Linker, table: ResourceTable, network: Network, policy: Policy = deny_all) -> None:
    """Registers `wasi:sockets/tcp@0.2` and the interfaces below: all 28 methods of `tcp-socket`, `create-tcp-socket`,
    `instance-network`, and all of `wasi:io`.

    For guests with plain `linker.instantiate`, for every 0.2.x; their resources live in `table`. The policy must answer
    at once, and so must other calls of the guest: a `block` or `poll` that would have to wait is a ProviderError.

    With Wasmtime 50.0.1 a guest's own sockets cannot be bound or connected in such a linker: a guest that lends two
    resources of its own in one call, here the socket and the network, gets a trap (“deferred host scope has no call
    context”) before the host is called. For guests that do so there is `adapt`. Errors: ForkError, see `configure`.
    """
    from wasihost._wasi.p2 import io
    from wasihost._wasi.p2 import sockets as p2_sockets

    access = Access(network, checked(policy))
    providers = {**io.providers(), **p2_sockets.providers(access, Names(network.resolve), Unwritten())}
    _add(linker, table, "wasihost._wasi.p2.sockets", providers)


def _add(linker: Linker, table: ResourceTable, package: str, providers: Mapping[str, object]) -> None:
    """Registers the imports of the `tcp-socket.wat` of a package."""
    from importlib.resources import files  # takes 3 ms to import

    from wasihost._component.running.imports.callbacks import at_once
    from wasihost._component.running.imports.linking import Linking, Registrar
    from wasihost._component.running.store_context import PlainContexts
    from wasihost._component.world.reflect import reflect
    from wasihost._component.world.wiring import Wiring

    check_compiles(linker.engine)
    text = files(package).joinpath("tcp-socket.wat").read_text(encoding="utf-8")
    world = reflect(linker.engine, bytes(wasmtime.wat2wasm(text)))
    linking = Linking(Wiring(world, shares_memory=False), providers)
    binds: dict[str, Bind] = {}

    def bind(method: Method) -> Bind:
        call = at_once(method.path, linking.call_of(method, providers))
        return lambda _context: call

    Registrar(linker, PlainContexts(table, binds), binds, bind, can_suspend=False).add_direct(linking)
