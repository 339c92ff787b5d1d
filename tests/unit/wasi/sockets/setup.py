"""What the tests of sockets start from."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Coroutine
from ipaddress import IPv4Address
from typing import Any, TypeVar

import pytest

from tests.unit.wasi.sockets.fake_network import BLOCKED, PEER, FakeDatagramSocket, FakeNetwork, FakeSocket
from wasihost._network.base import Address
from wasihost._policy import Policy, PolicyContext, SocketAddressUse, allow_all
from wasihost._wasi.failures import Failure, Reason
from wasihost._wasi.sockets.accept import Acceptor
from wasihost._wasi.sockets.access import Access, Refused
from wasihost._wasi.sockets.inbox import Datagram
from wasihost._wasi.sockets.tcp import TcpSocket
from wasihost._wasi.sockets.udp import UdpSocket

T = TypeVar("T")
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
FAILURES = (Failure, Refused)
LOOPBACK = (127, 0, 0, 1)


def v4(port: int, ip: tuple[int, int, int, int] = LOOPBACK) -> Address:
    return Address(IPv4Address(bytes(ip)), port)


def at_once(found: T | Awaitable[T]) -> T:
    """What a call gives that must not wait, at once or after the first step of what it gave; needs no event loop."""
    coroutine = waited(found)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise AssertionError("it waits")


async def waited(found: T | Awaitable[T]) -> T:
    """What a call gives, at once or later."""
    return await found if isinstance(found, Awaitable) else found


def waiting(found: T | Awaitable[T]) -> Awaitable[T]:
    """A call that is not over at once."""
    assert isinstance(found, Awaitable)
    return found


async def received(udp: UdpSocket) -> Datagram:
    """The next datagram, waited for."""
    while (datagram := udp.receive()) is None:
        called = asyncio.Event()
        udp.wait_readable(called.set)
        await called.wait()
    return datagram


def cause_of(call: Callable[[], object]) -> Reason | int | None:
    """Why a call fails: a reason of the core's own, or the errno of the network or the policy."""
    with pytest.raises(FAILURES) as caught:
        call()
    return cause_in(caught.value)


def cause_in(error: Exception) -> Reason | int | None:
    """The same for what was raised."""
    cause = error.cause if isinstance(error, Failure) else error
    assert isinstance(cause, Reason | OSError)
    return cause if isinstance(cause, Reason) else cause.errno


class Guest:
    """One guest's sockets, on a fake network."""

    def __init__(self, policy: Policy = allow_all) -> None:
        self.network = FakeNetwork()
        self.access = Access(self.network, policy)
        self.calls: list[Coroutine[Any, Any, None]] = []

    def create(self) -> tuple[TcpSocket, FakeSocket]:
        tcp = TcpSocket.create(self.access, 4)
        return tcp, self.network.made[-1]

    def bound(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.create()
        at_once(tcp.bind(v4(0)))
        return tcp, socket

    def listening(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.bound()
        listen(tcp)
        return tcp, socket

    def connecting(self) -> tuple[TcpSocket, FakeSocket]:
        """Needs an event loop; `cancel` ends the call."""
        tcp, socket = self.create()
        socket.fails["finish_connect"] = [BLOCKED]
        call = tcp.connect(v4(80))
        assert call is not None
        self.calls.append(call)
        call.send(None)
        return tcp, socket

    def cancel(self) -> None:
        """Cancels the calls that wait."""
        while self.calls:
            self.calls.pop().close()

    def create_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        udp = UdpSocket.create(self.access, 4)
        return udp, self.network.made_udp[-1]

    def bound_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        udp, socket = self.create_udp()
        at_once(udp.bind(v4(0)))
        return udp, socket

    def connected_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        """Connected to `PEER`."""
        udp, socket = self.bound_udp()
        at_once(udp.connect(PEER))
        return udp, socket

    def connected(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.create()
        at_once(tcp.connect(v4(80)))
        return tcp, socket

    def closed(self, error: OSError = REFUSED) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.create()
        socket.fails["connect"] = [error]
        with pytest.raises(FAILURES):
            at_once(tcp.connect(v4(80)))
        return tcp, socket


def listen(tcp: TcpSocket) -> Acceptor[TcpSocket]:
    """Listens, which must not wait."""
    return at_once(tcp.listen())


class Asked:
    """A policy that notes what it was asked, and then allows only what `allowed` says."""

    def __init__(self, *allowed: SocketAddressUse) -> None:
        self.allowed = allowed
        self.questions: list[tuple[str, SocketAddressUse]] = []

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        self.questions.append((str(address), use))
        return use in self.allowed
