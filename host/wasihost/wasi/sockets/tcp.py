"""The resource `tcp-socket` of `wasi:sockets/types`: the words and the order of the WIT.

The rules for states are in `states`, for addresses in `addresses`, for error-codes in `errors`. What any method may
give besides the error-codes of its own list: `access-denied`, `not-supported`, `out-of-memory` and `other`, and on a
`closed` socket the error that closed it. A policy is always asked before the system call.

Where this differs from Wasmtime 50 (crates/wasi, p3), following the WIT:

| | Wasmtime | here |
|---|---|---|
| `listen` fails | the socket is closed | it is as before; bound, if its implicit bind worked |
| a cancelled `connect` | the socket is connecting for ever | closed, answering `invalid-state` |
| no free port in `connect` | `address-not-bindable`, `other` | `address-in-use` |
| EAFNOSUPPORT, EDESTADDRREQ | `not-supported`, `invalid-state` | `invalid-argument`; from `create`, `not-supported` |
| `other` | no text | the text of the operating system |

An argument of `connect` that is not valid leaves the socket as it was, as in Wasmtime and in its test programs; the
WIT says that the socket is closed after a failed attempt, and no attempt was made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any

from wasihost.component.values import Err, WitError
from wasihost.network.base import WILDCARD, Address, Family, Socket
from wasihost.policy import SocketAddressUse, Verdict
from wasihost.streams import ByteSource, StreamReader, ValueSource
from wasihost.wasi.sockets.accept import AcceptSource
from wasihost.wasi.sockets.access import Access
from wasihost.wasi.sockets.addresses import (
    FAMILIES,
    AnyIpSocketAddress,
    IpAddressFamily,
    from_network,
    is_valid_local,
    is_valid_remote,
    to_network,
)
from wasihost.wasi.sockets.errors import (
    INVALID_ARGUMENT,
    INVALID_STATE,
    Code,
    ErrorCode,
    attempt,
    error_code,
    granted,
    new_socket,
)
from wasihost.wasi.sockets.options import MAX_INT, not_zero
from wasihost.wasi.sockets.states import ALLOWED, Event, State, after, refusal
from wasihost.wasi.sockets.streams import (
    EndedSource,
    ReceiveSource,
    ResultFuture,
    SendSink,
    SharedSocket,
    new_future,
)
from wasihost.wasi.sockets.tcp_options import TcpOptions
from wasihost.wasi.sockets.waiting import writable

DEFAULT_BACKLOG = 128  # as in Wasmtime; Linux: SOMAXCONN before 5.4


class TcpSocket(TcpOptions):
    """WIT: `resource tcp-socket`."""

    __slots__ = ("_access", "_backlog", "_claimed", "_closed_by", "_family", "_peer", "_shared", "_state")

    def __init__(self, access: Access, family: Family, shared: SharedSocket | None, state: State) -> None:
        self._access = access
        self._family = family
        self._shared = shared
        self._state = state
        self._backlog = DEFAULT_BACKLOG
        self._claimed: tuple[str, ...] = ()
        self._closed_by: Code | None = None
        self._peer: Address | None = None  # whom the guest connected to, if the policy has it talk to another

    @classmethod
    def create(cls, access: Access, address_family: IpAddressFamily) -> TcpSocket:
        """WIT: `create: static func(address-family: ip-address-family) -> result<tcp-socket, error-code>`.

        - `not-supported`: there is no such address family here (EAFNOSUPPORT).
        """
        family = FAMILIES[address_family]
        return cls(access, family, SharedSocket(new_socket(access.network.tcp_socket, family)), State.UNBOUND)

    async def bind(self, local_address: AnyIpSocketAddress) -> None:
        """WIT: `bind: func(local-address: ip-socket-address) -> result<_, error-code>`.

        Waits only when the policy does.
        - `invalid-state`: the socket is bound already, or past that.
        - `invalid-argument`: the address is of the other family, not unicast, or an IPv4 address in IPv6 form.
        - `access-denied`: the policy refuses TCP_BIND.
        - `address-in-use`: somebody has the address, or there is no free port.
        - `address-not-bindable`: it is not an address of this machine.
        """
        socket = self._allowed("bind")
        address = to_network(local_address)
        if not is_valid_local(address, self._family):
            raise WitError(INVALID_ARGUMENT)
        await granted(self._access.require(address, SocketAddressUse.TCP_BIND))
        self._bind(socket, address)

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
        socket = self._allowed("connect")
        address = to_network(remote_address)
        if not is_valid_remote(address, self._family):
            raise WitError(INVALID_ARGUMENT)
        asked = [(address, SocketAddressUse.TCP_CONNECT)]
        if self._state is State.UNBOUND:
            asked.append((WILDCARD[self._family], SocketAddressUse.TCP_BIND))
        self._see(Event.CONNECT)
        try:
            allowed = self._access.ask_for_each(asked)
            if isinstance(allowed, Verdict) and self._begins_connected(socket, address, allowed):
                self._see(Event.CONNECT_OK)
                return None
        except BaseException as error:
            self._connect_failed(error)
            raise
        return self._connect(socket, address, allowed)

    async def _connect(self, socket: Socket, address: Address, allowed: Verdict | Awaitable[Verdict]) -> None:
        """The part of `connect` that waits: first for the policy, if it is to be awaited, and then for the peer."""
        try:
            connected = not isinstance(allowed, Verdict) and self._begins_connected(socket, address, await allowed)
            while not connected:
                await writable(socket)
                connected = attempt(_is_connected, socket)
        except BaseException as error:
            self._connect_failed(error)
            raise
        self._see(Event.CONNECT_OK)

    async def listen(self) -> ValueSource[TcpSocket]:
        """WIT: `listen: func() -> result<stream<tcp-socket>, error-code>`.

        Waits only when the policy does. An unbound socket is bound to any address and a free port.
        - `invalid-state`: the socket is listening, connecting, connected or closed.
        - `access-denied`: the policy refuses TCP_BIND of any address for the implicit bind, or then TCP_LISTEN.
        - `address-in-use`: no free port for the implicit bind, or somebody else listens there.
        """
        socket = self._allowed("listen")
        if self._state is State.UNBOUND:
            await granted(self._access.require(WILDCARD[self._family], SocketAddressUse.TCP_BIND))
            self._bind(socket, WILDCARD[self._family])
        # Only now it is known which port a free one is: nobody comes in by one that is denied.
        address = attempt(socket.local_address)
        await granted(self._access.require(address, SocketAddressUse.TCP_LISTEN))
        attempt(socket.listen, self._backlog)
        self._see(Event.LISTEN_OK)
        return AcceptSource(self._share(), self._access, address, self._accepted)

    def send(self, data: StreamReader[int]) -> ResultFuture:
        """WIT: `send: func(data: stream<u8>) -> future<result<_, error-code>>`.

        The end of the stream sends a FIN. Errors are in the future; those of the first line close `data` at once.
        - `invalid-state`: the socket is not connected, or `send` was called before.
        - `connection-broken`: the peer takes no more (EPIPE).
        - `connection-reset`, `remote-unreachable`: as they say.
        """
        future = new_future()
        try:
            data.forward(SendSink(self._claim("send"), future))
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
            return ReceiveSource(self._claim("receive"), future), future
        except WitError as error:
            future.set_result(Err(error.value))
            return EndedSource(), future

    def get_local_address(self) -> AnyIpSocketAddress:
        """WIT: `get-local-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not bound, or connecting.
        """
        return from_network(attempt(self._allowed("get-local-address").local_address))

    def get_remote_address(self) -> AnyIpSocketAddress:
        """WIT: `get-remote-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not connected (ENOTCONN), or no more: platforms differ in how long they know.
        """
        address = attempt(self._allowed("get-remote-address").remote_address)
        return from_network(self._peer or address)

    def get_is_listening(self) -> bool:
        """WIT: `get-is-listening: func() -> bool`."""
        return self._state is State.LISTENING

    def get_address_family(self) -> IpAddressFamily:
        """WIT: `get-address-family: func() -> ip-address-family`."""
        return IpAddressFamily.IPV4 if self._family == 4 else IpAddressFamily.IPV6

    def set_listen_backlog_size(self, value: int) -> None:
        """WIT: `set-listen-backlog-size: func(value: u64) -> result<_, error-code>`.

        Connections that may wait to be accepted; at most 2^31 - 1, and every platform has a limit of its own.
        - `invalid-argument`: the value is 0.
        - `invalid-state`: the socket is connecting or connected.
        - `not-supported`: the platform cannot change it on a listening socket.
        """
        backlog = min(not_zero(value), MAX_INT)
        socket = self._allowed("set-listen-backlog-size")
        if self._state is State.LISTENING:
            try:
                socket.listen(backlog)
            except OSError as error:
                raise WitError(ErrorCode.NotSupported()) from error
        self._backlog = backlog

    # the options follow in the WIT: see `tcp_options`

    def drop(self) -> None:
        """The handle is gone; the socket of the network is closed when no stream of it is left."""
        shared, self._shared = self._shared, None
        if shared is not None:
            shared.release()

    # ---- below the WIT

    def _allowed(self, method: str) -> Socket:
        shared = self._shared
        if shared is None or self._state not in ALLOWED[method]:
            raise WitError(refusal(method, self._closed_by))
        return shared.socket

    def _see(self, event: Event) -> None:
        self._state = after(self._state, event)

    def _bind(self, socket: Socket, address: Address) -> None:
        attempt(socket.bind, address)
        self._see(Event.BIND_OK)

    def _begins_connected(self, socket: Socket, address: Address, allowed: Verdict) -> bool:
        """Begins to connect, if that is allowed, and to where; whether that was all."""
        if not allowed.allowed:
            raise WitError(ErrorCode.AccessDenied())
        if allowed.target is not None:
            self._peer, address = address, allowed.target
        attempt(socket.connect, address)
        return attempt(_is_connected, socket)

    def _connect_failed(self, error: BaseException) -> None:
        self._closed_by = error.value if isinstance(error, WitError) else INVALID_STATE
        self._see(Event.CONNECT_ERR)
        self.drop()

    def _share(self) -> SharedSocket:
        assert self._shared is not None
        return self._shared.own()

    def _claim(self, method: str) -> SharedSocket:
        """A share of the socket for a method that may be called once."""
        self._allowed(method)
        if method in self._claimed:
            raise WitError(INVALID_STATE)
        self._claimed += (method,)
        return self._share()

    def _accepted(self, connection: Socket | OSError) -> TcpSocket:
        if isinstance(connection, OSError):
            closed = TcpSocket(self._access, self._family, None, State.CLOSED)
            closed._closed_by = error_code(connection)
            return closed
        return TcpSocket(self._access, self._family, SharedSocket(connection), State.CONNECTED)


def _is_connected(socket: Socket) -> bool:
    try:
        socket.finish_connect()
    except BlockingIOError:
        return False
    return True
