"""`wasi:sockets/udp` and `udp-create-socket`: the words and the order of the WIT.

The core, `wasihost._wasi.sockets.udp`, does the work. Any method may give, besides the error-codes of its own
list: `access-denied`, `not-supported`, `out-of-memory` and `unknown`.

Where this differs from Wasmtime 50 (crates/wasi, p2):

| | Wasmtime | here |
|---|---|---|
| a datagram read ahead when its stream is dropped | lost | there for the next stream |
| datagrams of others, queued before `stream(some)` | dropped when it is called | dropped when they are received |
| the local port after `stream(none)` | 0, on Linux, if the system chose it | the port it was |
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final, TypeAlias

from wasihost._base.errors import GuestTrap
from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError, may_wait
from wasihost._network.base import Address, Option
from wasihost._wasi.common.addresses import (
    FAMILIES,
    AnyIpSocketAddress,
    IpAddressFamily,
    from_family,
    from_network,
    to_network,
)
from wasihost._wasi.failures import Failure
from wasihost._wasi.p2.io.poll import Pollable, Subject
from wasihost._wasi.p2.sockets.errors import ErrorCode, attempt, awaited, wit_error
from wasihost._wasi.p2.sockets.network import TYPES, NetworkResource
from wasihost._wasi.p2.sockets.options import Options
from wasihost._wasi.p2.sockets.progress import Begun, Progress, Step
from wasihost._wasi.sockets import udp
from wasihost._wasi.sockets.access import Access, Refused
from wasihost._wasi.sockets.udp_states import State

MOST: Final = 16
"""Datagrams that one `receive` gives and one `check-send` permits, as in Wasmtime."""
MOST_BYTES: Final = 1 << 16
"""That one `receive` gives together, unless a single datagram is larger."""


class IncomingDatagram(Frozen):
    """WIT: `record incoming-datagram`."""

    data: bytes
    remote_address: AnyIpSocketAddress

    def __init__(self, data: bytes, remote_address: AnyIpSocketAddress) -> None:
        super().__init__(data, remote_address)


class OutgoingDatagram(Frozen):
    """WIT: `record outgoing-datagram`."""

    data: bytes
    remote_address: AnyIpSocketAddress | None

    def __init__(self, data: bytes, remote_address: AnyIpSocketAddress | None) -> None:
        super().__init__(data, remote_address)


class UdpSocket(Options, Subject):
    """WIT: `resource udp-socket`."""

    def __init__(self, socket: udp.UdpSocket) -> None:
        super().__init__()
        self._socket = socket
        self._progress = Progress()
        self._streams = 0  # that live
        self._peer: Address | None = None
        self._sending: dict[Begun[None], None] = {}
        self.ahead: IncomingDatagram | WitError | None = None
        """The datagram received to learn whether there is one; it is there for the next stream too."""

    @may_wait
    def start_bind(self, network: NetworkResource, local_address: AnyIpSocketAddress) -> Awaitable[None] | None:
        """WIT: `start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>`.

        - `concurrency-conflict`: a bind is in progress.
        - `invalid-state`: the socket is bound already.
        - `invalid-argument`: the address is of the other family, or an IPv4 address in IPv6 form.
        - `access-denied`: the policy refuses UDP_BIND.
        - `address-in-use`: another socket has the address, or there is no free port.
        - `address-not-bindable`: it is not an address of this machine.
        """
        self._progress.check_idle()
        return self._progress.start(Step.BIND, attempt(self._socket.bind, to_network(local_address)))

    def finish_bind(self) -> None:
        """WIT: `finish-bind: func() -> result<_, error-code>`.

        - `not-in-progress`: there is no bind to finish.
        - as `start-bind`, if the policy took time.
        """
        self._progress.finish(Step.BIND)

    @may_wait
    def stream(self, remote_address: AnyIpSocketAddress | None) -> _Streams | Awaitable[_Streams]:
        """WIT: `stream: func(remote-address: option<ip-socket-address>) -> result<tuple<incoming-datagram-stream, outgoing-datagram-stream>, error-code>`.

        Connects the socket, or disconnects it. Waits only when the policy does. Streams that live are a trap.
        - `invalid-state`: the socket is not bound.
        - `invalid-argument`: the address is as `start-bind` refuses it, or the IP address or the port is zero.
        - `access-denied`: the policy refuses both UDP_SEND and UDP_RECEIVE.
        """  # noqa: E501
        if self._streams:
            raise GuestTrap("udp-socket.stream: the streams that it gave before live")
        if self._socket.state is State.UNBOUND:
            raise WitError(ErrorCode.INVALID_STATE)
        if remote_address is not None:
            peer = to_network(remote_address)
            question = attempt(self._socket.connect, peer)
            return self._opened(peer) if question is None else self._opened_after(question, peer)
        if self._socket.state is State.CONNECTED:
            attempt(self._socket.disconnect)
        return self._opened(None)

    def local_address(self) -> AnyIpSocketAddress:
        """WIT: `local-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not bound.
        """
        return from_network(attempt(self._socket.local_address))

    def remote_address(self) -> AnyIpSocketAddress:
        """WIT: `remote-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not connected (ENOTCONN).
        """
        return from_network(attempt(self._socket.remote_address))

    def address_family(self) -> IpAddressFamily:
        """WIT: `address-family: func() -> ip-address-family`."""
        return from_family(self._socket.family)

    def unicast_hop_limit(self) -> int:
        """WIT: `unicast-hop-limit: func() -> result<u8, error-code>`; IP_TTL, ip(7); IPV6_UNICAST_HOPS, ipv6(7)."""
        return self._get(Option.HOP_LIMIT)

    def set_unicast_hop_limit(self, value: int) -> None:
        """WIT: `set-unicast-hop-limit: func(value: u8) -> result<_, error-code>`.

        - `invalid-argument`: the value is 0.
        """
        self._set(Option.HOP_LIMIT, value)

    # the buffer sizes follow in the WIT: see `options`

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`; ready when `finish-bind` would not give `would-block`."""
        return Pollable(self)

    def drop(self) -> None:
        """Closes the socket."""
        self._leave()
        self.close()

    # ---- below the WIT

    def close(self) -> None:
        """The work of `drop`, also if a stream of this socket is left."""
        self._progress.cancel()
        for sending in self._sending:
            sending.cancel()
        self._socket.close()

    def _settled(self) -> udp.UdpSocket:
        return self._socket

    def _opened(self, peer: Address | None) -> _Streams:
        self._peer = peer
        if isinstance(self.ahead, IncomingDatagram) and not self._is_peer(to_network(self.ahead.remote_address)):
            self.ahead = None
        self._streams = 2
        return IncomingDatagramStream(self, self._socket), OutgoingDatagramStream(self, self._socket)

    async def _opened_after(self, question: Awaitable[None], peer: Address) -> _Streams:
        await awaited(question)
        return self._opened(peer)

    def has_datagram(self) -> bool:
        """Whether there is a datagram, or an error, that `take_datagram` gives."""
        while self.ahead is None:
            try:
                received = self._socket.receive()
            except (Failure, Refused) as error:
                self.ahead = wit_error(error)
                return True
            if received is None:
                return False
            data, sender = received
            if self._is_peer(sender):  # else it was queued before the socket was connected
                self.ahead = IncomingDatagram(data, from_network(sender))
        return True

    def _is_peer(self, sender: Address) -> bool:
        peer = self._peer
        return peer is None or (peer.ip, peer.port) == (sender.ip, sender.port)

    def take_datagram(self) -> IncomingDatagram:
        """The datagram that is there. Errors: WitError."""
        found = self.ahead
        self.ahead = None
        if isinstance(found, WitError):
            raise found
        assert found is not None
        return found

    def send_on(self, rest: Awaitable[None]) -> Begun[None]:
        """Goes on sending for a stream, also when that is dropped."""
        sending = Begun(rest)
        self._sending[sending] = None
        sending.when_ended(lambda: self._sending.pop(sending, None))
        return sending

    def left(self) -> None:
        """A stream is gone."""
        self._streams -= 1

    def _is_ready(self) -> bool:
        return self._progress.is_ready

    def _watch(self) -> None:
        self._progress.when_ready(self._changed)


class _DatagramStream(Subject):
    """A child of its socket."""

    def __init__(self, parent: UdpSocket, socket: udp.UdpSocket) -> None:
        super().__init__(parent)
        self._of = parent
        self._socket = socket

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`."""
        return Pollable(self)

    def drop(self) -> None:
        """The socket may be dropped, if the other stream is gone too."""
        self._leave()
        self._of.left()


class IncomingDatagramStream(_DatagramStream):
    """WIT: `resource incoming-datagram-stream`."""

    def receive(self, max_results: int) -> list[IncomingDatagram]:
        """WIT: `receive: func(max-results: u64) -> result<list<incoming-datagram>, error-code>`.

        None if there is none yet; at most 16, and no more after 64 KiB. Datagrams from senders that
        UDP_RECEIVE refuses are dropped.
        - `connection-refused`, `remote-unreachable`: an earlier datagram to the peer that it is connected to failed.
        """
        self._is_watched = False
        found: list[IncomingDatagram] = []
        size = 0
        while len(found) < min(max_results, MOST) and size < MOST_BYTES and self._of.has_datagram():
            if isinstance(self._of.ahead, WitError) and found:
                break  # the next call gives it
            datagram = self._of.take_datagram()
            found.append(datagram)
            size += len(datagram.data)
        return found

    # `subscribe` follows in the WIT: ready when there is a datagram or an error

    def _is_ready(self) -> bool:
        self._is_watched = False
        return self._of.has_datagram()

    def _watch(self) -> None:
        self._socket.wait_readable(self._changed)


class OutgoingDatagramStream(_DatagramStream):
    """WIT: `resource outgoing-datagram-stream`.

    A datagram for which there is no room, or about which the policy takes time, counts as sent and is on its way until
    it left; the next call gives its failure.
    """

    def __init__(self, parent: UdpSocket, socket: udp.UdpSocket) -> None:
        super().__init__(parent, socket)
        self._permit = 0
        self._on_its_way: Begun[None] | None = None

    def check_send(self) -> int:
        """WIT: `check-send: func() -> result<u64, error-code>`.

        How many datagrams the next `send` may have: 16, or none while an earlier one is on its way.
        """
        if not self._is_ready():
            self._permit = 0
            return 0
        sent = self._on_its_way
        self._on_its_way = None
        if sent is not None:
            attempt(sent.result)
        self._permit = MOST
        return self._permit

    def send(self, datagrams: Sequence[OutgoingDatagram]) -> int:
        """WIT: `send: func(datagrams: list<outgoing-datagram>) -> result<u64, error-code>`.

        How many were sent; an error is that of the first. More than `check-send` permitted is a trap.
        - `invalid-argument`: the address is as `stream` refuses it; the socket is connected, and to another one; or
          there is none, and the socket is not connected.
        - `access-denied`: the policy refuses UDP_SEND.
        - `datagram-too-large`: as it says; IPv4 has room for 65507 bytes, IPv6 for 65527, macOS by default for 9216.
        - `connection-refused`, `remote-unreachable`: an earlier datagram to the peer that it is connected to failed.
        """
        if len(datagrams) > self._permit:
            raise GuestTrap(f"send: {len(datagrams)} datagrams, but check-send permitted {self._permit}")
        if datagrams:
            self._permit = 0
        for count, datagram in enumerate(datagrams):
            address = None if datagram.remote_address is None else to_network(datagram.remote_address)
            try:
                rest = attempt(self._socket.send, datagram.data, address)
            except WitError:
                if count:
                    return count
                raise
            if rest is not None:
                self._on_its_way = self._of.send_on(rest)
                return count + 1
        return len(datagrams)

    # `subscribe` follows in the WIT: ready when `check-send` would permit something

    def _is_ready(self) -> bool:
        return self._on_its_way is None or self._on_its_way.has_ended

    def _watch(self) -> None:
        assert self._on_its_way is not None
        self._on_its_way.when_ended(self._changed)


_UdpSocket: TypeAlias = UdpSocket  # a provider has an attribute of that name


class Udp:
    """Provider of wasi:sockets/udp."""

    UdpSocket = UdpSocket
    IncomingDatagramStream = IncomingDatagramStream
    OutgoingDatagramStream = OutgoingDatagramStream

    wit_types = {**TYPES, "incoming-datagram": IncomingDatagram, "outgoing-datagram": OutgoingDatagram}


class UdpCreateSocket:
    """Provider of wasi:sockets/udp-create-socket."""

    UdpSocket = UdpSocket

    wit_types = TYPES

    def __init__(self, access: Access) -> None:
        self._access = access

    def create_udp_socket(self, address_family: IpAddressFamily) -> _UdpSocket:
        """WIT: `create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>`.

        - `not-supported`: there is no such address family here (EAFNOSUPPORT).
        - `new-socket-limit`: there are no more descriptors (EMFILE, ENFILE).
        """
        return UdpSocket(attempt(udp.UdpSocket.create, self._access, FAMILIES[address_family]))


_Streams: TypeAlias = "tuple[IncomingDatagramStream, OutgoingDatagramStream]"
