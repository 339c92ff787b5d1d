"""The resource `udp-socket` of `wasi:sockets/types`: the words and the order of the WIT.

The rules for states are in `udp_states`, for addresses in `addresses`, for error-codes in `errors`. What any method may
give besides the error-codes of its own list: `access-denied`, `not-supported`, `out-of-memory` and `other`. A policy is
always asked before the system call.

`send` and `receive` do what they can at once, and give a coroutine or a future only for what has to be waited for: a
task for each datagram would cost more than the datagram.

Where this differs from Wasmtime 50 (crates/wasi, p3), following the WIT:

| | Wasmtime | here |
|---|---|---|
| the local port after `disconnect` | 0, on Linux, if the system chose it | the port it was |
| no free port in `connect` and `send` | `address-not-bindable`, `other` | `address-in-use` |
| EAFNOSUPPORT, EDESTADDRREQ | `not-supported`, `invalid-state` | `invalid-argument`; from `create`, `not-supported` |
| the policy in an implicit bind of `send` | not asked | asked |

Binding to a multicast or broadcast address and sending there is left to the system: there are no functions for joining
a group or allowing broadcasts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from wasihost.component.values import WitError
from wasihost.network.base import WILDCARD, Address, DatagramSocket, Family, Option
from wasihost.policy import SocketAddressUse, Verdict
from wasihost.policy.asking import Question, settled
from wasihost.streams import PromptFuture
from wasihost.wasi.sockets.access import Access
from wasihost.wasi.sockets.addresses import (
    FAMILIES,
    AnyIpSocketAddress,
    IpAddressFamily,
    from_network,
    is_of_family,
    is_valid_peer,
    to_network,
)
from wasihost.wasi.sockets.datagrams import Inbox, Received
from wasihost.wasi.sockets.errors import (
    INVALID_ARGUMENT,
    INVALID_STATE,
    ErrorCode,
    attempt,
    granted,
    new_socket,
    wit_error,
)
from wasihost.wasi.sockets.options import Options, not_zero
from wasihost.wasi.sockets.udp_states import ALLOWED, Event, State, after
from wasihost.wasi.sockets.waiting import writable


class UdpSocket(Options):
    """WIT: `resource udp-socket`."""

    __slots__ = ("_access", "_family", "_inbox", "_peer", "_sending", "_socket", "_state", "_target")

    def __init__(self, access: Access, family: Family, socket: DatagramSocket) -> None:
        self._access = access
        self._family = family
        self._socket = socket
        self._state = State.UNBOUND
        self._peer: Address | None = None
        self._target: Address | None = None  # whom the network's socket is connected to: the peer, or who stands for it
        self._inbox = Inbox(socket, access, WILDCARD[family])
        self._sending = asyncio.Lock()  # held by who waits for room

    @classmethod
    def create(cls, access: Access, address_family: IpAddressFamily) -> UdpSocket:
        """WIT: `create: static func(address-family: ip-address-family) -> result<udp-socket, error-code>`.

        - `not-supported`: there is no such address family here (EAFNOSUPPORT).
        """
        family = FAMILIES[address_family]
        return cls(access, family, new_socket(access.network.udp_socket, family))

    async def bind(self, local_address: AnyIpSocketAddress) -> None:
        """WIT: `bind: func(local-address: ip-socket-address) -> result<_, error-code>`.

        Waits only when the policy does.
        - `invalid-state`: the socket is bound already.
        - `invalid-argument`: the address is of the other family, or an IPv4 address in IPv6 form.
        - `access-denied`: the policy refuses UDP_BIND.
        - `address-in-use`: somebody has the address, or there is no free port.
        - `address-not-bindable`: it is not an address of this machine.
        """
        self._allowed("bind")
        address = to_network(local_address)
        if not is_of_family(address, self._family):
            raise WitError(INVALID_ARGUMENT)
        await granted(self._access.require(address, SocketAddressUse.UDP_BIND))
        self._bind(address)

    async def connect(self, remote_address: AnyIpSocketAddress) -> None:
        """WIT: `connect: func(remote-address: ip-socket-address) -> result<_, error-code>`.

        Waits only when the policy does. A socket that is connected gets the new peer instead of the old one.
        - `invalid-argument`: the address is as `bind` refuses it, or the IP address or the port is zero.
        - `access-denied`: the policy refuses both UDP_SEND and UDP_RECEIVE, or UDP_BIND of any address for the implicit
          bind.
        - `address-in-use`: no free port for the implicit bind.
        """
        address = self._valid_peer(remote_address)
        uses = (SocketAddressUse.UDP_SEND, SocketAddressUse.UDP_RECEIVE)
        verdict = await granted(self._access.require(address, *uses, context=self._inbox.context))
        await self._bind_implicitly()
        target = verdict.target or address
        attempt(self._socket.connect, target)
        self._peer, self._target = address, target
        self._inbox.went_to(target, address)
        self._see(Event.CONNECT_OK)

    def disconnect(self) -> None:
        """WIT: `disconnect: func() -> result<_, error-code>`.

        - `invalid-state`: the socket is not connected.
        """
        attempt(self._allowed("disconnect").disconnect)
        self._peer = self._target = None
        self._see(Event.DISCONNECT_OK)

    def send(self, data: bytes, remote_address: AnyIpSocketAddress | None) -> Coroutine[Any, Any, None] | None:
        """WIT: `send: async func(data: list<u8>, remote-address: option<ip-socket-address>) -> result<_, error-code>`.

        The system has all of the datagram, or nothing is sent; where it gets lost on the way nobody is told.
        - `invalid-argument`: the address is as `connect` refuses it; the socket is connected, and to another one; or
          there is none, and the socket is not connected.
        - `access-denied`: the policy refuses UDP_SEND, or UDP_BIND of any address for the implicit bind.
        - `datagram-too-large`: as it says; IPv4 has room for 65507 bytes, IPv6 for 65527, macOS by default for 9216.
        - `connection-refused`, `remote-unreachable`: what became of an earlier datagram to the peer it is connected to.
        - `address-in-use`: no free port for the implicit bind.
        """
        peer = self._destination(remote_address)
        verdict = self._access.ask(peer, SocketAddressUse.UDP_SEND)
        ready = self._state is not State.UNBOUND and not self._sending.locked()
        if ready and isinstance(verdict, Verdict) and verdict.allowed and self._try_to_send(data, peer, verdict.target):
            return None
        return self._send_later(data, peer, verdict)

    def receive(self) -> Received | PromptFuture[Received]:
        """WIT: `receive: async func() -> result<tuple<list<u8>, ip-socket-address>, error-code>`.

        Datagrams from senders for whom the policy refuses UDP_RECEIVE are dropped.
        - `invalid-state`: the socket is not bound.
        - `connection-refused`, `remote-unreachable`: what became of an earlier datagram to the peer it is connected to.
        """
        self._allowed("receive")
        return self._inbox.receive()

    def get_local_address(self) -> AnyIpSocketAddress:
        """WIT: `get-local-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not bound.
        """
        return from_network(attempt(self._allowed("get-local-address").local_address))

    def get_remote_address(self) -> AnyIpSocketAddress:
        """WIT: `get-remote-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not connected (ENOTCONN).
        """
        address = attempt(self._allowed("get-remote-address").remote_address)
        return from_network(address if self._target is self._peer else self._peer or address)

    def get_address_family(self) -> IpAddressFamily:
        """WIT: `get-address-family: func() -> ip-address-family`."""
        return IpAddressFamily.IPV4 if self._family == 4 else IpAddressFamily.IPV6

    def get_unicast_hop_limit(self) -> int:
        """WIT: `get-unicast-hop-limit: func() -> result<u8, error-code>`.

        Hops. IP_TTL, ip(7); IPV6_UNICAST_HOPS, ipv6(7).
        """
        return self._get("get-unicast-hop-limit", Option.HOP_LIMIT)

    def set_unicast_hop_limit(self, value: int) -> None:
        """WIT: `set-unicast-hop-limit: func(value: u8) -> result<_, error-code>`.

        Hops.
        - `invalid-argument`: the value is 0.
        """
        self._set("set-unicast-hop-limit", Option.HOP_LIMIT, not_zero(value))

    # the buffer sizes follow in the WIT: see `options`

    def drop(self) -> None:
        """The handle is gone: the socket of the network is closed."""
        self._inbox.close()
        self._socket.close()

    # ---- below the WIT

    def _allowed(self, method: str) -> DatagramSocket:
        if self._state not in ALLOWED[method]:
            raise WitError(INVALID_STATE)
        return self._socket

    def _see(self, event: Event) -> None:
        self._state = after(self._state, event)

    def _bind(self, address: Address) -> None:
        attempt(self._allowed("bind").bind, address)
        self._see(Event.BIND_OK)
        self._inbox.bound(address if address.port else attempt(self._socket.local_address))

    async def _bind_implicitly(self) -> None:
        address = WILDCARD[self._family]
        if self._state is State.UNBOUND:
            await granted(self._access.require(address, SocketAddressUse.UDP_BIND))
        if self._state is State.UNBOUND:  # still: another call may have been faster
            self._bind(address)

    def _valid_peer(self, remote_address: AnyIpSocketAddress) -> Address:
        address = to_network(remote_address)
        if not is_valid_peer(address, self._family):
            raise WitError(INVALID_ARGUMENT)
        return address

    def _destination(self, remote_address: AnyIpSocketAddress | None) -> Address:
        """Where `send` is to send to; `_peer` itself on a connected socket."""
        address = self._peer if remote_address is None else self._valid_peer(remote_address)
        if address is None or self._peer not in (None, address):
            raise WitError(INVALID_ARGUMENT)
        return self._peer or address

    async def _send_later(self, data: bytes, peer: Address, answer: Verdict | Question[Verdict]) -> None:
        """The part of `send` that may wait: for the policy, and for room."""
        verdict = await settled(answer)
        if not verdict.allowed:
            raise WitError(ErrorCode.AccessDenied())
        await self._bind_implicitly()
        async with self._sending:
            while not self._try_to_send(data, peer, verdict.target):
                await writable(self._socket)

    def _try_to_send(self, data: bytes, peer: Address, target: Address | None) -> bool:
        """False: there is no room. `target` is where it goes instead, if it does."""
        if target is not None or self._inbox.known_as:
            self._inbox.went_to(target or peer, peer)
        target = target or peer
        try:
            # A peer that came since the policy was asked is not the one that it was asked about.
            self._socket.send_to(data, None if target is self._target else target)
        except BlockingIOError:
            return False
        except OSError as error:
            raise wit_error(error) from error
        return True
