"""`wasi:sockets/tcp` and `tcp-create-socket`: the words and the order of the WIT.

The core, `wasihost._wasi.sockets.tcp`, does the work; `progress` has the steps started and not finished. Any
method may give, besides the error-codes of its own list: `access-denied`, `not-supported`, `out-of-memory`, `unknown`,
and on a closed socket the error that closed it.

Where this differs from Wasmtime 50 (crates/wasi, p2), following the WIT:

| | Wasmtime | here |
|---|---|---|
| `start-connect` | does nothing until `finish-connect` or a pollable looks | begins to connect |
| a policy that takes time | the guest waits in `start-…` | `finish-…` is `would-block` meanwhile |
| `start-listen` is refused or fails | the socket is closed | it is as before |
| `accept` before `finish-listen` | accepts | `invalid-state` |
| no more descriptors (EMFILE) | `unknown` | `new-socket-limit` |
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable
from typing import TypeAlias

from wasihost._base.streams import Unwritten
from wasihost._component.values import WitError, may_wait
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
from wasihost._wasi.p2.io.streams import InputStream, OutputStream
from wasihost._wasi.p2.sockets.errors import ErrorCode, attempt, wit_error
from wasihost._wasi.p2.sockets.network import TYPES, NetworkResource
from wasihost._wasi.p2.sockets.progress import Progress, Step
from wasihost._wasi.p2.sockets.streams import Connection
from wasihost._wasi.p2.sockets.tcp_options import TcpOptions
from wasihost._wasi.sockets import tcp
from wasihost._wasi.sockets.accept import Acceptor
from wasihost._wasi.sockets.access import Access, Refused
from wasihost._wasi.sockets.states import State

INVALID_STATE = ErrorCode.INVALID_STATE


class ShutdownType(enum.Enum):
    """WIT: `enum shutdown-type`."""

    RECEIVE = "receive"
    SEND = "send"
    BOTH = "both"


class TcpSocket(TcpOptions, Subject):
    """WIT: `resource tcp-socket`."""

    def __init__(self, socket: tcp.TcpSocket, unwritten: Unwritten) -> None:
        super().__init__()
        self._socket = socket
        self._unwritten = unwritten
        self._progress = Progress()
        self._acceptor: Acceptor[tcp.TcpSocket] | None = None
        self._accepted: tcp.TcpSocket | None = None  # ahead of `accept`, by a look at whether there is one
        self._connection: Connection | None = None

    @may_wait
    def start_bind(self, network: NetworkResource, local_address: AnyIpSocketAddress) -> Awaitable[None] | None:
        """WIT: `start-bind: func(network: borrow<network>, local-address: ip-socket-address) -> result<_, error-code>`.

        - `concurrency-conflict`: something is in progress.
        - `invalid-state`: the socket is bound already, or past that.
        - `invalid-argument`: the address is of the other family, not unicast, or an IPv4 address in IPv6 form.
        - `access-denied`: the policy refuses TCP_BIND.
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

    def start_connect(self, network: NetworkResource, remote_address: AnyIpSocketAddress) -> None:
        """WIT: `start-connect: func(network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>`.

        - `concurrency-conflict`: something is in progress.
        - `invalid-state`: the socket is connected, listening or closed.
        - `invalid-argument`: the address is as `start-bind` refuses it, or the IP address or the port is zero.
        """  # noqa: E501
        self._progress.check_idle()
        before = self._socket.state
        outcome: object
        try:
            outcome = self._socket.connect(to_network(remote_address))
        except (Failure, Refused) as error:
            outcome = wit_error(error)
            if self._socket.state is before:
                raise outcome from error
        self._progress.start(Step.CONNECT, outcome)

    def finish_connect(self) -> tuple[InputStream, OutputStream]:
        """WIT: `finish-connect: func() -> result<tuple<input-stream, output-stream>, error-code>`.

        - `not-in-progress`: there is no connect to finish.
        - `would-block`: neither connected nor failed yet.
        - `access-denied`: the policy refuses TCP_CONNECT, or TCP_BIND of any address for the implicit bind.
        - `timeout`, `connection-refused`, `connection-reset`, `connection-aborted`, `remote-unreachable`: as they say.
        - `address-in-use`: no free port for the implicit bind.

        After all but the first two the socket is closed.
        """
        self._progress.finish(Step.CONNECT)
        return self._opened()

    @may_wait
    def start_listen(self) -> Awaitable[None] | None:
        """WIT: `start-listen: func() -> result<_, error-code>`.

        - `concurrency-conflict`: something is in progress.
        - `invalid-state`: the socket is not bound, or past that.
        - `access-denied`: the policy refuses TCP_LISTEN.
        - `address-in-use`: another socket listens there.
        """
        self._progress.check_idle()
        if self._socket.state is not State.BOUND:
            raise WitError(INVALID_STATE)
        return self._progress.start(Step.LISTEN, attempt(self._socket.listen))

    def finish_listen(self) -> None:
        """WIT: `finish-listen: func() -> result<_, error-code>`.

        - `not-in-progress`: there is no listen to finish.
        - as `start-listen`, if the policy took time.
        """
        self._acceptor = self._progress.finish(Step.LISTEN)

    def accept(self) -> tuple[TcpSocket, InputStream, OutputStream]:
        """WIT: `accept: func() -> result<tuple<tcp-socket, input-stream, output-stream>, error-code>`.

        Connections that the policy refuses with TCP_ACCEPT are reset, and the guest does not hear of them.
        - `invalid-state`: the socket is not listening.
        - `would-block`: there is no connection yet.
        - `connection-aborted`: a connection failed before it was accepted.
        - `new-socket-limit`: there are no more descriptors (EMFILE, ENFILE).
        """
        if self._acceptor is None:
            raise WitError(INVALID_STATE)
        if not self._is_ready():
            raise WitError(ErrorCode.WOULD_BLOCK)
        accepted = self._accepted
        self._accepted = None
        if accepted is None:
            raise WitError(INVALID_STATE)
        socket = TcpSocket(accepted, self._unwritten)
        return socket, *socket._opened()

    def local_address(self) -> AnyIpSocketAddress:
        """WIT: `local-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not bound, or connecting.
        """
        return from_network(attempt(self._settled().local_address))

    def remote_address(self) -> AnyIpSocketAddress:
        """WIT: `remote-address: func() -> result<ip-socket-address, error-code>`.

        - `invalid-state`: the socket is not connected (ENOTCONN), or no more: platforms differ in how long they know.
        """
        return from_network(attempt(self._settled().remote_address))

    def is_listening(self) -> bool:
        """WIT: `is-listening: func() -> bool`."""
        return self._acceptor is not None

    def address_family(self) -> IpAddressFamily:
        """WIT: `address-family: func() -> ip-address-family`."""
        return from_family(self._socket.family)

    def set_listen_backlog_size(self, value: int) -> None:
        """WIT: `set-listen-backlog-size: func(value: u64) -> result<_, error-code>`.

        Connections that may wait to be accepted; at most 2^31 - 1, and every platform has a limit of its own.
        - `invalid-argument`: the value is 0.
        - `invalid-state`: the socket is connecting or connected.
        - `not-supported`: the platform cannot change it on a listening socket.
        """
        attempt(self._settled().set_backlog, value)

    # the options follow in the WIT: see `tcp_options`

    def subscribe(self) -> Pollable:
        """WIT: `subscribe: func() -> pollable`.

        Ready when `accept` or `finish-…` would not give `would-block`. One serves for the whole life of the socket.
        """
        return Pollable(self)

    def shutdown(self, shutdown_type: ShutdownType) -> None:
        """WIT: `shutdown: func(shutdown-type: shutdown-type) -> result<_, error-code>`.

        The streams are at their ends at once; a FIN follows the bytes written before. Again, it does nothing.
        - `invalid-state`: the socket is not connected.
        """
        if self._connection is None:
            raise WitError(INVALID_STATE)
        if shutdown_type is not ShutdownType.SEND:
            self._connection.end_input()
        if shutdown_type is not ShutdownType.RECEIVE:
            self._connection.end_output()

    def drop(self) -> None:
        """Ends the connection: with a FIN, or with a reset if bytes were not read."""
        self._leave()
        self.close()

    # ---- below the WIT

    def close(self) -> None:
        """The work of `drop`, also if a stream of this socket is left."""
        for unused in (self._progress.cancel(), self._acceptor, self._accepted):
            if unused is not None:
                unused.close()
        if self._connection is not None:
            self._connection.end_input()
            self._connection.end_output()
        self._socket.close()

    def _settled(self) -> tcp.TcpSocket:
        return self._socket.not_connected() if self._progress.step is Step.CONNECT else self._socket

    def _opened(self) -> tuple[InputStream, OutputStream]:
        self._connection = Connection(self._socket, self, self._unwritten)
        return self._connection.streams

    def _is_ready(self) -> bool:
        if self._progress.step is not None:
            return self._progress.is_ready
        if self._acceptor is None or self._accepted is not None:
            return True
        self._is_watched = False
        try:
            self._accepted = self._acceptor.accept()
        except BlockingIOError:
            return False
        return True

    def _watch(self) -> None:
        if self._progress.step is not None:
            self._progress.when_ready(self._changed)
        elif self._acceptor is not None:
            self._acceptor.wait_readable(self._changed)


_TcpSocket: TypeAlias = TcpSocket  # a provider has an attribute of that name


class Tcp:
    """Provider of wasi:sockets/tcp."""

    TcpSocket = TcpSocket

    wit_types = {**TYPES, "shutdown-type": ShutdownType}


class TcpCreateSocket:
    """Provider of wasi:sockets/tcp-create-socket."""

    TcpSocket = TcpSocket

    wit_types = TYPES

    def __init__(self, access: Access, unwritten: Unwritten) -> None:
        self._access = access
        self._unwritten = unwritten

    def create_tcp_socket(self, address_family: IpAddressFamily) -> _TcpSocket:
        """WIT: `create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>`.

        - `not-supported`: there is no such address family here (EAFNOSUPPORT).
        - `new-socket-limit`: there are no more descriptors (EMFILE, ENFILE).
        """
        family = FAMILIES[address_family]
        made = attempt(lambda: tcp.TcpSocket.create(self._access, family, makes_pairs=True))
        return TcpSocket(made, self._unwritten)
