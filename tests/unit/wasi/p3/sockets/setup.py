"""What the tests of sockets start from."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from tests.unit.wasi.sockets.fake_network import BLOCKED, PEER, FakeDatagramSocket, FakeNetwork, FakeSocket
from tests.unit.wasi.sockets.setup import LOOPBACK, REFUSED
from wasihost._base.streams import ByteSink, GuestStream
from wasihost._component.values import WitError
from wasihost._policy import Policy, allow_all
from wasihost._wasi.common.addresses import IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, from_network
from wasihost._wasi.p3.sockets.errors import Code
from wasihost._wasi.p3.sockets.tcp import TcpSocket
from wasihost._wasi.p3.sockets.types import Types
from wasihost._wasi.p3.sockets.udp import UdpSocket
from wasihost._wasi.sockets.access import Access

T = TypeVar("T")


def v4(port: int, ip: tuple[int, int, int, int] = LOOPBACK) -> IpSocketAddress.Ipv4:
    return IpSocketAddress.Ipv4(Ipv4SocketAddress(port, ip))


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that must not wait; needs no event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise AssertionError("the coroutine waits")


def over(outcome: Coroutine[Any, Any, None] | None) -> None:
    """A call that must not wait, and is over already or after the first step of its coroutine."""
    if outcome is not None:
        at_once(outcome)


def waiting(coroutine: Coroutine[Any, Any, T] | None) -> Coroutine[Any, Any, T]:
    """A call that is not over at once."""
    assert coroutine is not None
    return coroutine


def code_of(call: Callable[[], object]) -> Code:
    """The error-code that a call gives."""
    with pytest.raises(WitError) as caught:
        call()
    assert isinstance(caught.value.value, Code)
    return caught.value.value


class Guest:
    """One guest's view of `wasi:sockets/types`, on a fake network."""

    def __init__(self, policy: Policy = allow_all) -> None:
        self.network = FakeNetwork()
        self.types = Types(Access(self.network, policy))
        self.calls: list[Coroutine[Any, Any, None]] = []

    def create(self) -> tuple[TcpSocket, FakeSocket]:
        tcp = self.types.TcpSocket.create(self.types, IpAddressFamily.IPV4)
        return tcp, self.network.made[-1]

    def bound(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.create()
        at_once(tcp.bind(v4(0)))
        return tcp, socket

    def listening(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.bound()
        at_once(tcp.listen())
        return tcp, socket

    def connecting(self) -> tuple[TcpSocket, FakeSocket]:
        """Needs an event loop; `cancel` ends the call."""
        tcp, socket = self.create()
        socket.fails["finish_connect"] = [BLOCKED]
        self.calls.append(waiting(tcp.connect(v4(80))))
        self.calls[-1].send(None)
        return tcp, socket

    def create_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        udp = self.types.UdpSocket.create(self.types, IpAddressFamily.IPV4)
        return udp, self.network.made_udp[-1]

    def bound_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        udp, socket = self.create_udp()
        at_once(udp.bind(v4(0)))
        return udp, socket

    def connected_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        """Connected to `PEER`."""
        udp, socket = self.bound_udp()
        at_once(udp.connect(from_network(PEER)))
        return udp, socket

    def cancel(self) -> None:
        """Cancels the calls that wait."""
        while self.calls:
            self.calls.pop().close()

    def connected(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.create()
        over(tcp.connect(v4(80)))
        return tcp, socket

    def closed(self, error: OSError = REFUSED) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.create()
        socket.fails["connect"] = [error]
        with pytest.raises(WitError):
            over(tcp.connect(v4(80)))
        return tcp, socket


class FakeReader(GuestStream[int]):
    """The stream that a guest gives to `send`."""

    def __init__(self) -> None:
        self.sink: ByteSink | None = None
        self.closed = 0

    async def read(self, n: int = 65536) -> bytes | list[int]:
        raise NotImplementedError

    def forward(self, sink: ByteSink) -> None:
        self.sink = sink

    def close(self) -> None:
        self.closed += 1

    def __aiter__(self) -> Any:
        raise NotImplementedError
