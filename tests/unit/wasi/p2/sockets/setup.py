"""What the tests of sockets of 0.2 start from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.unit.wasi.sockets.fake_network import BLOCKED, FakeDatagramSocket, FakeNetwork, FakeSocket
from tests.unit.wasi.sockets.setup import LOOPBACK, REFUSED
from wasihost._base.streams import Unwritten
from wasihost._component.values import WitError
from wasihost._network.base import Address
from wasihost._policy import Policy, PolicyContext, SocketAddressUse, allow_all
from wasihost._wasi.common.addresses import IpAddressFamily, IpSocketAddress, Ipv4SocketAddress
from wasihost._wasi.p2.io.streams import InputStream, OutputStream
from wasihost._wasi.p2.sockets.errors import ErrorCode
from wasihost._wasi.p2.sockets.network import NetworkResource
from wasihost._wasi.p2.sockets.tcp import TcpCreateSocket, TcpSocket
from wasihost._wasi.p2.sockets.udp import UdpCreateSocket, UdpSocket
from wasihost._wasi.sockets.access import Access

NETWORK = NetworkResource()


def v4(port: int, ip: tuple[int, int, int, int] = LOOPBACK) -> IpSocketAddress.Ipv4:
    return IpSocketAddress.Ipv4(Ipv4SocketAddress(port, ip))


PEER = v4(4000, (192, 0, 2, 7))  # as the fake network has it


def code_of(call: Callable[[], object]) -> ErrorCode:
    """The error-code that a call gives."""
    with pytest.raises(WitError) as caught:
        call()
    assert isinstance(caught.value.value, ErrorCode)
    return caught.value.value


class Guest:
    """One guest's sockets, on a fake network."""

    def __init__(self, policy: Policy = allow_all) -> None:
        self.network = FakeNetwork()
        self.unwritten = Unwritten()
        access = Access(self.network, policy)
        self.tcp = TcpCreateSocket(access, self.unwritten)
        self.udp = UdpCreateSocket(access)

    def unbound(self) -> tuple[TcpSocket, FakeSocket]:
        return self.tcp.create_tcp_socket(IpAddressFamily.IPV4), self.network.made[-1]

    def bind_in_progress(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.unbound()
        tcp.start_bind(NETWORK, v4(0))
        return tcp, socket

    def bound(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.bind_in_progress()
        tcp.finish_bind()
        return tcp, socket

    def listen_in_progress(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.bound()
        tcp.start_listen()
        return tcp, socket

    def listening(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.listen_in_progress()
        tcp.finish_listen()
        return tcp, socket

    def connect_in_progress(self) -> tuple[TcpSocket, FakeSocket]:
        """Needs an event loop."""
        tcp, socket = self.unbound()
        socket.fails["finish_connect"] = [BLOCKED]
        tcp.start_connect(NETWORK, v4(80))
        return tcp, socket

    def connect_not_finished(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.unbound()
        tcp.start_connect(NETWORK, v4(80))
        return tcp, socket

    def connected(self) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket, _ = self.with_streams()
        return tcp, socket

    def with_streams(self) -> tuple[TcpSocket, FakeSocket, tuple[InputStream, OutputStream]]:
        tcp, socket = self.connect_not_finished()
        return tcp, socket, tcp.finish_connect()

    def closed(self, error: OSError = REFUSED) -> tuple[TcpSocket, FakeSocket]:
        tcp, socket = self.unbound()
        socket.fails["connect"] = [error]
        tcp.start_connect(NETWORK, v4(80))
        with pytest.raises(WitError):
            tcp.finish_connect()
        return tcp, socket

    def unbound_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        return self.udp.create_udp_socket(IpAddressFamily.IPV4), self.network.made_udp[-1]

    def udp_bind_in_progress(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        udp, socket = self.unbound_udp()
        udp.start_bind(NETWORK, v4(0))
        return udp, socket

    def bound_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        udp, socket = self.udp_bind_in_progress()
        udp.finish_bind()
        return udp, socket

    def streaming_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        udp, socket = self.bound_udp()
        udp.stream(None)
        return udp, socket

    def connected_udp(self) -> tuple[UdpSocket, FakeDatagramSocket]:
        """Its streams are dropped again."""
        udp, socket = self.bound_udp()
        for stream in streams(udp, PEER):
            stream.drop()
        return udp, socket


async def passes() -> None:
    """Lets what was cancelled or has got its answer come to its end."""
    for _ in range(4):
        await asyncio.sleep(0)


def streams(udp: UdpSocket, peer: IpSocketAddress.Ipv4 | None = None) -> Any:
    """The datagram streams of a socket, which must not have to wait."""
    found = udp.stream(peer)
    assert isinstance(found, tuple)
    return found


class Undecided:
    """A policy that answers when the test has it."""

    def __init__(self, *undecided: SocketAddressUse) -> None:
        self.undecided = undecided
        self.answers: list[asyncio.Future[bool]] = []

    def __call__(self, address: Address, use: SocketAddressUse, context: PolicyContext) -> bool | Awaitable[bool]:
        if use not in self.undecided:
            return True
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


def refusing(*refused: SocketAddressUse) -> Policy:
    """A policy that refuses these uses."""
    return lambda address, use, context: use not in refused
