"""The resource `tcp-socket` of `wasi:sockets/types`: the words and the order of the WIT.

The core, `wasihost._wasi.sockets.tcp`, does the work. Any method may give, besides the error-codes of its own
list: `access-denied`, `not-supported`, `out-of-memory` and `other`, and on a closed socket the error that closed it.

Where this differs from Wasmtime 50 (crates/wasi, p3), following the WIT:

| | Wasmtime | here |
|---|---|---|
| `listen` fails | the socket is closed | it is as before; bound, if its implicit bind worked |
| a cancelled `connect` | the socket is connecting for ever | closed, answering `invalid-state` |
| no free port in `connect` | `address-not-bindable`, `other` | `address-in-use` |
| EAFNOSUPPORT, EDESTADDRREQ | `not-supported`, `invalid-state` | `invalid-argument`; from `create`, `not-supported` |
| `other` | no text | the text of the operating system |
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol

from wasihost._base.streams import ByteSource, GuestStream, ValueSource
from wasihost._component.values import Err, WitError
from wasihost._wasi.common.addresses import (
    FAMILIES,
    AnyIpSocketAddress,
    IpAddressFamily,
    from_family,
    from_network,
    to_network,
)
from wasihost._wasi.p3.sockets.errors import attempt, awaited
from wasihost._wasi.p3.sockets.streams import AcceptSource, settle
from wasihost._wasi.p3.sockets.tcp_options import TcpOptions
from wasihost._wasi.p3.streams import EndedSource, ResultFuture, new_future
from wasihost._wasi.sockets import tcp
from wasihost._wasi.sockets.access import Access


class HasAccess(Protocol):
    """The provider that a resource is created by."""

    access: Access


class TcpSocket(TcpOptions):
    """WIT: `resource tcp-socket`."""

    __slots__ = ("_socket",)

    _socket: tcp.TcpSocket

    def __init__(self, socket: tcp.TcpSocket) -> None:
        self._socket = socket

    @classmethod
    def create(cls, provider: HasAccess, address_family: IpAddressFamily) -> TcpSocket:
        """WIT: `create: static func(address-family: ip-address-family) -> result<tcp-socket, error-code>`.

        - `not-supported`: there is no such address family here (EAFNOSUPPORT).
        """
        return cls(attempt(tcp.TcpSocket.create, provider.access, FAMILIES[address_family]))

    async def bind(self, local_address: AnyIpSocketAddress) -> None:
        """WIT: `bind: func(local-address: ip-socket-address) -> result<_, error-code>`.

        Waits only when the policy does.
        - `invalid-state`: the socket is bound already, or past that.
        - `invalid-argument`: the address is of the other family, not unicast, or an IPv4 address in IPv6 form.
        - `access-denied`: the policy refuses TCP_BIND.
        - `address-in-use`: another socket has the address, or there is no free port.
        - `address-not-bindable`: it is not an address of this machine.
        """
        await awaited(attempt(self._socket.bind, to_network(local_address)))

    def connect(self, remote_address: AnyIpSocketAddress) -> Coroutine[Any, Any, None] | None:
        """WIT: `connect: async func(remote-address: ip-socket-address) -> result<_, error-code>`.

        Over at once, None, where neither the policy nor the peer lets it wait.
        - `invalid-state`: the socket is connecting, connected, listening or closed.
        - `invalid-argument`: the address is as `bind` refuses it, or the IP address or the port is zero.
        - `access-denied`: the policy refuses TCP_CONNECT, or TCP_BIND of any address for the implicit bind.
        - `timeout`, `connection-refused`, `connection-reset`, `connection-aborted`, `remote-unreachable`: as they say.
        - `address-in-use`: no free port for the implicit bind.

        After all but the first two the socket is closed. Cancelling closes it too.
        """
        rest = attempt(self._socket.connect, to_network(remote_address))
        return None if rest is None else awaited(rest)

    async def listen(self) -> ValueSource[TcpSocket]:
        """WIT: `listen: func() -> result<stream<tcp-socket>, error-code>`.

        Waits only when the policy does. An unbound socket is bound to any address and a free port.
        - `invalid-state`: the socket is listening, connecting, connected or closed.
        - `access-denied`: the policy refuses TCP_BIND of any address for the implicit bind, or then TCP_LISTEN.
        - `address-in-use`: no free port for the implicit bind, or another socket listens there.
        """
        return AcceptSource(await awaited(attempt(self._socket.listen)), TcpSocket)

    def send(self, data: GuestStream[int]) -> ResultFuture:
        """WIT: `send: func(data: stream<u8>) -> future<result<_, error-code>>`.

        The end of the stream sends a FIN. Errors are in the future; those of the first line close `data` at once.
        - `invalid-state`: the socket is not connected, or `send` was called before.
        - `connection-broken`: the peer takes no more (EPIPE).
        - `connection-reset`, `remote-unreachable`: as they say.
        """
        future = new_future()
        try:
            data.forward(attempt(self._socket.send, partial(settle, future)))
        except WitError as error:
            data.close()
            future.set_result(Err(error.value))
        return future

    def receive(self) -> tuple[ByteSource, ResultFuture]:
        """WIT: `receive: func() -> tuple<stream<u8>, future<result<_, error-code>>>`.

        The future is ok after the peer's FIN, or when the guest drops the stream. Errors are in the future.
        - `invalid-state`: the socket is not connected, or `receive` was called before; the stream is at its end.
        - `connection-reset`, `remote-unreachable`: as they say.
        """
        future = new_future()
        try:
            return attempt(self._socket.receive, partial(settle, future)), future
        except WitError as error:
            future.set_result(Err(error.value))
            return EndedSource(), future

    def get_local_address(self) -> AnyIpSocketAddress:
        """WIT: `get-local-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not bound, or connecting.
        """
        return from_network(attempt(self._socket.local_address))

    def get_remote_address(self) -> AnyIpSocketAddress:
        """WIT: `get-remote-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not connected (ENOTCONN), or no more: platforms differ in how long they know.
        """
        return from_network(attempt(self._socket.remote_address))

    def get_is_listening(self) -> bool:
        """WIT: `get-is-listening: func() -> bool`."""
        return self._socket.is_listening

    def get_address_family(self) -> IpAddressFamily:
        """WIT: `get-address-family: func() -> ip-address-family`."""
        return from_family(self._socket.family)

    def set_listen_backlog_size(self, value: int) -> None:
        """WIT: `set-listen-backlog-size: func(value: u64) -> result<_, error-code>`.

        Connections that may wait to be accepted; at most 2^31 - 1, and every platform has a limit of its own.
        - `invalid-argument`: the value is 0.
        - `invalid-state`: the socket is connecting or connected.
        - `not-supported`: the platform cannot change it on a listening socket.
        """
        attempt(self._socket.set_backlog, value)

    # the options follow in the WIT: see `tcp_options`

    def drop(self) -> None:
        """The handle is gone; the socket of the network is closed when no stream of it is left."""
        self._socket.close()
