"""An exception at every point of a run: each call of the network, the policy and a provider, and each await.

A run is repeated, and the exception comes at its first point, then at its second, until there are no more. Whatever the
point, the embedder gets that very exception, nothing is left, and the next run works.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from enum import Enum
from typing import Any

import pytest

from tests.guests.harness import load
from tests.guests.kv import STORE, Entry, KvBucket, Store
from wasihost import Host, PolicyContext, ProviderError, SocketAddressUse
from wasihost._component.running.imports.providers import Method
from wasihost._component.running.loop.driving import Driver
from wasihost._network.base import Address, DatagramSocket, Family, Socket
from wasihost._network.virtual import VirtualNetwork
from wasihost._network.wrapping import DatagramSocketAround, NetworkAround, SocketAround
from wasihost._testing import virtual_loop

EXCEPTIONS = [KeyboardInterrupt, SystemExit, MemoryError, asyncio.CancelledError, GeneratorExit]
GUESTS = {
    "rust-tcp-client": {"BYTES": "70000"},
    "c-tcp-client": {"BYTES": "70000"},
    "rust-udp": {"CASE": "send-and-receive"},
    "rust-kv-client": dict[str, str](),
}


class Points(Enum):
    """Which points a fuse counts."""

    NETWORK = "every call of the network and the policy"
    PROVIDERS = "every call of a method of a provider, of stdin and stdout, and every drop of a resource"
    STEPS = "every step of a task, and every callback that polls"


MOST_POINTS = 2000


class Fuse:
    """Counts the points of a run, and raises at one of them."""

    def __init__(self, error: BaseException, point: int) -> None:
        self.error, self.left = error, point
        self.where = ""

    def burn(self, where: str) -> None:
        self.left -= 1
        if self.left == 0:
            self.where = where
            raise self.error


# ---- where it burns

_CALLS = (
    "bind connect finish_connect listen accept recv_into recv_from send send_to local_address remote_address "
    "get_option set_option wait_readable wait_writable"
).split()


def _fused(name: str) -> Callable[..., Any]:
    def call(self: Any, *arguments: Any) -> Any:
        self.network.fuse.burn(name)
        return getattr(self.inner, name)(*arguments)

    return call


class _FusedSocket(SocketAround):
    def __init__(self, inner: Socket, network: FusedNetwork) -> None:
        super().__init__(inner)
        self.network = network
        network.open.append(self)

    def around(self, accepted: Socket, peer: Address) -> Socket:
        return _FusedSocket(accepted, self.network)

    def accept(self) -> tuple[Socket, Address]:
        self.network.fuse.burn("accept")
        return super().accept()

    def close(self) -> None:
        super().close()
        self.network.closed(self)

    def abort(self) -> None:
        super().abort()
        self.network.closed(self)


class _FusedDatagramSocket(DatagramSocketAround):
    def __init__(self, inner: DatagramSocket, network: FusedNetwork) -> None:
        super().__init__(inner)
        self.network = network
        network.open.append(self)

    def close(self) -> None:
        super().close()
        self.network.closed(self)


for _class in (_FusedSocket, _FusedDatagramSocket):
    for _name in _CALLS:
        if _name not in vars(_class) and hasattr(_class, _name):
            setattr(_class, _name, _fused(_name))


class FusedNetwork(NetworkAround):
    """Every call of a socket is a point; knows which sockets are open."""

    def __init__(self, inner: VirtualNetwork, fuse: Fuse) -> None:
        super().__init__(inner)
        self.fuse = fuse
        self.open: list[object] = []

    def tcp_socket(self, family: Family) -> Socket:
        self.fuse.burn("tcp_socket")
        return _FusedSocket(super().tcp_socket(family), self)

    def udp_socket(self, family: Family) -> DatagramSocket:
        self.fuse.burn("udp_socket")
        return _FusedDatagramSocket(super().udp_socket(family), self)

    def closed(self, socket: object) -> None:
        if socket in self.open:
            self.open.remove(socket)


class _FusedCoroutine(Coroutine[Any, Any, Any]):
    """A coroutine of which every step is a point: the exception comes where it waits."""

    def __init__(self, inner: Coroutine[Any, Any, Any], fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def send(self, value: Any) -> Any:
        if getattr(self._inner, "end", None) is None:  # else it was begun, and ended, without its task
            try:
                self._fuse.burn(f"a step of {getattr(self._inner, '__qualname__', self._inner)}")
            except BaseException as error:
                return self._inner.throw(error)
        return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        return self._inner.throw(*error)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError


# ---- runs


def _fused_methods(fuse: Fuse) -> Callable[[Method, object], Callable[..., Any]]:
    """In the place of `Method.of`: every call of a method is a point."""
    of = Method.of

    def fused(method: Method, provider: object) -> Callable[..., Any]:
        called = of(method, provider)

        def call(*arguments: Any) -> Any:
            fuse.burn(method.path)
            return called(*arguments)

        return call

    return fused


_poll = Driver._poll


def _fused_polls(fuse: Fuse) -> Callable[..., None]:
    """In the place of `Driver._poll`: every callback that polls is a point."""

    def poll(driver: Driver, *ready: Callable[[], None]) -> None:
        fuse.burn("a poll")
        _poll(driver, *ready)

    return poll


def _fused_store(fuse: Fuse) -> Store:
    class FusedBucket(KvBucket):
        def drop(self) -> None:
            super().drop()
            fuse.burn("the drop of a bucket")

    class FusedStore(Store):
        Bucket = FusedBucket

        async def _entries(self, prefix: str) -> AsyncIterator[Entry]:
            inner: Any = super()._entries(prefix)
            async with contextlib.aclosing(inner) as entries:
                async for entry in entries:
                    fuse.burn("an element of a stream")
                    yield entry

    return FusedStore()


def _run(name: str, fuse: Fuse, points: Points, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, FusedNetwork, Store]:
    """One run; what came out of it."""
    idle = Fuse(fuse.error, 0)
    in_network, in_providers = (fuse if points is kind else idle for kind in (Points.NETWORK, Points.PROVIDERS))
    net, store = VirtualNetwork(), _fused_store(in_providers)
    network = FusedNetwork(net, in_network)
    monkeypatch.setattr(Method, "of", _fused_methods(in_providers))
    monkeypatch.setattr(Driver, "_poll", _fused_polls(fuse if points is Points.STEPS else idle))

    def policy(address: Address, use: SocketAddressUse, context: PolicyContext) -> bool:
        in_network.burn(f"the policy, {use.value}")
        return True

    async def main() -> None:
        server = net.serve("echo:7", lambda data: data)
        host = Host(
            network=network,
            policy=policy,
            env={"ADDRESS": f"{net.host('echo').addresses[0]}:7", **GUESTS[name]},
            providers={STORE: store},
            stdin=b"",
            stdout=lambda _: in_providers.burn("stdout"),
            stderr=lambda _: None,
        )
        if points is Points.STEPS:
            loop = asyncio.get_running_loop()
            loop.set_task_factory(
                lambda loop, coroutine, **options: asyncio.Task(
                    _FusedCoroutine(coroutine, fuse),
                    loop=loop,
                    **options,
                )
            )
        try:
            await host.run_async(load(name))
        finally:
            server.close()

    try:
        with asyncio.Runner(loop_factory=virtual_loop) as runner:
            runner.run(main())
    except BaseException as error:
        return error, network, store
    return None, network, store


def _check(name: str, kind: type[BaseException], points: Points, monkeypatch: pytest.MonkeyPatch) -> int:
    """Burns down at every point; how many there are."""
    for point in range(1, MOST_POINTS):
        error = kind("the fuse")
        fuse = Fuse(error, point)
        found, network, store = _run(name, fuse, points, monkeypatch)
        if not fuse.where:
            assert found is None
            return point - 1
        where = f"{kind.__name__} at point {point}, {fuse.where}"
        # Tasks make a CancelledError of their own; where a provider's coroutine raises one, nobody has cancelled it.
        cancelled = kind is asyncio.CancelledError and isinstance(found, kind | ProviderError)
        assert found is error or cancelled, f"{where}: {found!r} came out"
        assert not network.open, f"{where}: {network.open} is left"
        assert not store.handles, f"{where}: {store.handles} buckets are left"
    raise AssertionError(f"{name} has more than {MOST_POINTS} points")


FEWEST = {Points.NETWORK: 10, Points.PROVIDERS: 8, Points.STEPS: 3}
RUNS = [(name, points) for name in GUESTS for points in Points if (name, points) != ("rust-kv-client", Points.NETWORK)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXCEPTIONS)
@pytest.mark.parametrize(("name", "points"), RUNS)
def test_an_exception_at_every_point_of_a_run_comes_out_and_nothing_is_left(
    name: str, points: Points, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _check(name, kind, points, monkeypatch) >= FEWEST[points]
