"""The resource `udp-socket` of `wasi:sockets/types`: the words and the order of the WIT.

The core, `wasihost._wasi.sockets.udp`, does the work. Any method may give, besides the error-codes of its own
list: `access-denied`, `not-supported`, `out-of-memory` and `other`.

Where this differs from Wasmtime 50 (crates/wasi, p3), following the WIT:

| | Wasmtime | here |
|---|---|---|
| the local port after `disconnect` | 0, on Linux, if the system chose it | the port it was |
| no free port in `connect` and `send` | `address-not-bindable`, `other` | `address-in-use` |
| EAFNOSUPPORT, EDESTADDRREQ | `not-supported`, `invalid-state` | `invalid-argument`; from `create`, `not-supported` |
| the policy in an implicit bind of `send` | not asked | asked |
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from wasihost._base.streams import PromptFuture
from wasihost._network.base import Option
from wasihost._wasi.common.addresses import (
    FAMILIES,
    AnyIpSocketAddress,
    IpAddressFamily,
    from_family,
    from_network,
    to_network,
)
from wasihost._wasi.p3.sockets.datagrams import Received, Receiver
from wasihost._wasi.p3.sockets.errors import attempt, awaited
from wasihost._wasi.p3.sockets.options import Options
from wasihost._wasi.p3.sockets.tcp import HasAccess
from wasihost._wasi.sockets import udp


class UdpSocket(Options):
    """WIT: `resource udp-socket`."""

    __slots__ = ("_receiver", "_socket")

    _socket: udp.UdpSocket

    def __init__(self, socket: udp.UdpSocket) -> None:
        self._socket = socket
        self._receiver = Receiver(socket)

    @classmethod
    def create(cls, provider: HasAccess, address_family: IpAddressFamily) -> UdpSocket:
        """WIT: `create: static func(address-family: ip-address-family) -> result<udp-socket, error-code>`.

        - `not-supported`: there is no such address family here (EAFNOSUPPORT).
        """
        return cls(attempt(udp.UdpSocket.create, provider.access, FAMILIES[address_family]))

    async def bind(self, local_address: AnyIpSocketAddress) -> None:
        """WIT: `bind: func(local-address: ip-socket-address) -> result<_, error-code>`.

        Waits only when the policy does.
        - `invalid-state`: the socket is bound already.
        - `invalid-argument`: the address is of the other family, or an IPv4 address in IPv6 form.
        - `access-denied`: the policy refuses UDP_BIND.
        - `address-in-use`: another socket has the address, or there is no free port.
        - `address-not-bindable`: it is not an address of this machine.
        """
        await awaited(attempt(self._socket.bind, to_network(local_address)))

    async def connect(self, remote_address: AnyIpSocketAddress) -> None:
        """WIT: `connect: func(remote-address: ip-socket-address) -> result<_, error-code>`.

        Waits only when the policy does. A socket that is connected gets the new peer instead of the old one.
        - `invalid-argument`: the address is as `bind` refuses it, or the IP address or the port is zero.
        - `access-denied`: the policy refuses both UDP_SEND and UDP_RECEIVE, or UDP_BIND of any address for the implicit
          bind.
        - `address-in-use`: no free port for the implicit bind.
        """
        await awaited(attempt(self._socket.connect, to_network(remote_address)))

    def disconnect(self) -> None:
        """WIT: `disconnect: func() -> result<_, error-code>`.

        - `invalid-state`: the socket is not connected.
        """
        attempt(self._socket.disconnect)

    def send(self, data: bytes, remote_address: AnyIpSocketAddress | None) -> Coroutine[Any, Any, None] | None:
        """WIT: `send: async func(data: list<u8>, remote-address: option<ip-socket-address>) -> result<_, error-code>`.

        The system has all of the datagram, or nothing is sent; a loss on the way is not reported.
        - `invalid-argument`: the address is as `connect` refuses it; the socket is connected, and to another one; or
          there is none, and the socket is not connected.
        - `access-denied`: the policy refuses UDP_SEND, or UDP_BIND of any address for the implicit bind.
        - `datagram-too-large`: as it says; IPv4 has room for 65507 bytes, IPv6 for 65527, macOS by default for 9216.
        - `connection-refused`, `remote-unreachable`: an earlier datagram to the peer that it is connected to failed.
        - `address-in-use`: no free port for the implicit bind.
        """
        address = None if remote_address is None else to_network(remote_address)
        rest = attempt(self._socket.send, data, address)
        return None if rest is None else awaited(rest)

    def receive(self) -> Received | PromptFuture[Received]:
        """WIT: `receive: async func() -> result<tuple<list<u8>, ip-socket-address>, error-code>`.

        Datagrams from senders that UDP_RECEIVE refuses are dropped.
        - `invalid-state`: the socket is not bound.
        - `connection-refused`, `remote-unreachable`: an earlier datagram to the peer that it is connected to failed.
        """
        return self._receiver.receive()

    def get_local_address(self) -> AnyIpSocketAddress:
        """WIT: `get-local-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not bound.
        """
        return from_network(attempt(self._socket.local_address))

    def get_remote_address(self) -> AnyIpSocketAddress:
        """WIT: `get-remote-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not connected (ENOTCONN).
        """
        return from_network(attempt(self._socket.remote_address))

    def get_address_family(self) -> IpAddressFamily:
        """WIT: `get-address-family: func() -> ip-address-family`."""
        return from_family(self._socket.family)

    def get_unicast_hop_limit(self) -> int:
        """WIT: `get-unicast-hop-limit: func() -> result<u8, error-code>`.

        Hops. IP_TTL, ip(7); IPV6_UNICAST_HOPS, ipv6(7).
        """
        return attempt(self._socket.get_option, Option.HOP_LIMIT)

    def set_unicast_hop_limit(self, value: int) -> None:
        """WIT: `set-unicast-hop-limit: func(value: u8) -> result<_, error-code>`.

        Hops.
        - `invalid-argument`: the value is 0.
        """
        attempt(self._socket.set_option, Option.HOP_LIMIT, value)

    # the buffer sizes follow in the WIT: see `options`

    def drop(self) -> None:
        """The handle is gone: the socket of the network is closed."""
        self._receiver.close()
        self._socket.close()
