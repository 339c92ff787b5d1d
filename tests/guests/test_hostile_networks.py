"""Networks and policies that raise what nobody expects, or hang: the embedder hears of it, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from tests.guests.harness import Guest, fails, load, passes, until
from tests.guests.peers import asked, patient_echo, server
from wasihost import OsNetwork, PolicyContext, SocketAddressUse
from wasihost._network.base import Address, DatagramSocket, Family, IpAddress, Socket
from wasihost._network.wrapping import DatagramSocketAround, NetworkAround, SocketAround


class Broken(Exception):
    """What such a network raises."""


class Breaking(NetworkAround):
    """Raises in the nth call of a method of its sockets, before or after it was done."""

    def __init__(self, method: str, nth: int, after: bool) -> None:
        super().__init__(OsNetwork())
        self.method, self.nth, self.after = method, nth, after
        self.calls = 0

    def broken(self, call: Callable[..., Any], *arguments: Any) -> Any:
        self.calls += 1
        if self.calls != self.nth:
            return call(*arguments)
        if self.after:
            with contextlib.suppress(OSError):
                call(*arguments)
        raise Broken(self.method)

    def tcp_socket(self, family: Family) -> Socket:
        made = _breaking(SocketAround, super().tcp_socket(family), self)
        assert isinstance(made, Socket)
        return made

    def udp_socket(self, family: Family) -> DatagramSocket:
        made = _breaking(DatagramSocketAround, super().udp_socket(family), self)
        assert isinstance(made, DatagramSocket)
        return made


def _breaking(base: type, inner: object, network: Breaking) -> object:
    """A socket one of whose methods is broken."""

    def call(self: Any, *arguments: Any) -> Any:
        return network.broken(getattr(super(made, self), network.method), *arguments)

    def around(self: Any, accepted: Socket, peer: Address) -> Socket:
        connection: Socket = made(accepted)
        return connection

    made: Any = type("Breaking", (base,), {network.method: call, "around": around})
    return made(inner)


async def outcome(guest: Guest) -> BaseException | None:
    try:
        await guest.host.run_async(load(guest.name))
    except Exception as error:
        return error
    return None


AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
CLIENT = ["connect", "finish_connect", "recv_into", "send", "wait_readable", "wait_writable"]
CLIENT += ["cancel_readable", "cancel_writable", "shutdown_read", "shutdown_write"]
LISTENER = ["bind", "listen", "wait_readable", "cancel_readable", "local_address"]
# What a network accepts and does not give away is its own to close.
LISTENERS = [("accept", False), *itertools.product(LISTENER, [False, True])]


@AFTER
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("method", CLIENT)
async def test_a_broken_connection_is_told_and_nothing_is_left(method: str, nth: int, after: bool) -> None:
    network = Breaking(method, nth, after)
    async with server(patient_echo) as peer:
        env = {"ADDRESS": peer.address, "BYTES": 3_000_000, "CONNECTIONS": 3}
        error = await outcome(Guest("rust-tcp-client", env=env, network=network))
    assert (type(error) is Broken) == (network.calls >= nth), error


@pytest.mark.parametrize(("method", "after"), LISTENERS)
async def test_a_broken_listener_is_told_and_nothing_is_left(method: str, after: bool) -> None:
    network = Breaking(method, 1, after)
    guest = Guest("rust-echo-server", network=network, env={"CONNECTIONS": 1})
    running = asyncio.ensure_future(outcome(guest))
    while not running.done():
        await passes()
        if str(guest.stdout):
            await asked(_port(guest))
    error = await running
    assert (type(error) is Broken) == (network.calls >= 1), error


@AFTER
@pytest.mark.parametrize("method", ["bind", "recv_from", "wait_readable", "local_address"])
async def test_a_broken_udp_socket_is_told_and_nothing_is_left(method: str, after: bool) -> None:
    network = Breaking(method, 1, after)
    assert isinstance(await outcome(Guest("rust-udp-echo", network=network)), Broken)


class Silent(NetworkAround):
    """Never calls back, and never resolves."""

    def __init__(self) -> None:
        super().__init__(OsNetwork())
        self.waits = 0

    def tcp_socket(self, family: Family) -> Socket:
        return _Silent(super().tcp_socket(family), self)

    def udp_socket(self, family: Family) -> DatagramSocket:
        return _SilentDatagrams(super().udp_socket(family), self)

    async def resolve(self, name: str) -> Sequence[IpAddress]:
        self.waits += 1
        await asyncio.Event().wait()
        return []


class _Silent(SocketAround):
    def __init__(self, inner: Socket, network: Silent) -> None:
        super().__init__(inner)
        self.network = network

    def around(self, accepted: Socket, peer: Address) -> Socket:
        return _Silent(accepted, self.network)

    def finish_connect(self) -> None:
        raise BlockingIOError

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.network.waits += 1

    wait_writable = wait_readable


class _SilentDatagrams(DatagramSocketAround):
    def __init__(self, inner: DatagramSocket, network: Silent) -> None:
        super().__init__(inner)
        self.network = network

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self.network.waits += 1


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("rust-tcp-client", {"CONNECTIONS": 3}),
        ("rust-echo-server", {}),
        ("rust-udp-echo", {}),
        ("rust-resolve", {"CASE": "print", "NAME": "localhost"}),
    ],
)
async def test_a_guest_on_a_network_that_hangs_can_be_cancelled_and_nothing_is_left(
    name: str, env: dict[str, object]
) -> None:
    network = Silent()
    async with server(patient_echo) as peer:
        env = env if "NAME" in env or "echo" in name else {"ADDRESS": peer.address, **env}
        guest = Guest(name, env=env, network=network)
        running = asyncio.ensure_future(guest.host.run_async(load(name)))
        await until(lambda: network.waits)
        await passes(10)
        running.cancel()
        await fails(running, asyncio.CancelledError)


# ---- policies that raise or hang


USES = [
    ("rust-tcp-client", SocketAddressUse.TCP_BIND),
    ("rust-tcp-client", SocketAddressUse.TCP_CONNECT),
    ("rust-echo-server", SocketAddressUse.TCP_BIND),
    ("rust-echo-server", SocketAddressUse.TCP_LISTEN),
    ("rust-echo-server", SocketAddressUse.TCP_ACCEPT),
    ("rust-udp-echo", SocketAddressUse.UDP_BIND),
    ("rust-udp-echo", SocketAddressUse.UDP_RECEIVE),
    ("rust-udp-echo", SocketAddressUse.UDP_SEND),
]


class FailingPolicy:
    """Does not get to an answer for one use: it raises at once or later, or hangs."""

    def __init__(self, use: SocketAddressUse, how: str) -> None:
        self.use, self.how = use, how
        self.asked = False

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        if use is not self.use:
            return True
        self.asked = True
        if self.how == "raises":
            raise Broken(use)
        return self._later()

    async def _later(self) -> bool:
        if self.how == "hangs":
            await asyncio.Event().wait()
        await passes(3)
        raise Broken(self.use)


@pytest.mark.parametrize("how", ["raises", "raises later", "hangs"])
@pytest.mark.parametrize(("name", "use"), USES)
async def test_a_policy_without_an_answer_leaves_nothing(name: str, use: SocketAddressUse, how: str) -> None:
    policy = FailingPolicy(use, how)
    async with server(patient_echo) as peer:
        guest = Guest(name, policy=policy, env={"ADDRESS": peer.address} if "client" in name else {})
        running = asyncio.ensure_future(guest.host.run_async(load(name)))
        with socket.socket(type=socket.SOCK_DGRAM if "udp" in name else socket.SOCK_STREAM) as stranger:
            stranger.setblocking(False)
            await until(lambda: policy.asked or str(guest.stdout))
            if not policy.asked:
                stranger.connect_ex(("127.0.0.1", _port(guest)))
                with contextlib.suppress(OSError):  # a connection may be reset by now
                    stranger.send(b"hello")
            await until(lambda: policy.asked)
            if how == "hangs":
                running.cancel()
            await fails(running, asyncio.CancelledError if how == "hangs" else Broken)


def _port(guest: Guest) -> int:
    return int(str(guest.stdout).rpartition(":")[2])
