"""TCP sockets of a virtual network.

Theory of operation. A connection is two sockets and a pipe each way (`pipes`). It does as Linux where POSIX leaves it
open:

| case | here |
|---|---|
| `connect` without latency | has ended at once; `finish_connect` gives the outcome |
| a listener whose backlog is full, one more than `listen` was given | the next wait, in their order, until it accepts |
| a listener that closes | those in its backlog are reset, those that wait refused |
| closing with bytes unread, or bytes that come after closing | a reset (RFC 1122, 4.2.2.13) |
| a reset | bytes that arrived can still be received; then ECONNRESET once (EPIPE after a FIN), the end, and EPIPE |
| `shutdown_read` | bytes that come can still be received; if there are none left it is the end |
| a port | is free again as soon as its socket is closed; accepted connections do not hold it |

The SYN, the answer to it, bytes, a FIN or a reset go by the `Way` to the other host and keep their
order there. An accepted socket and its client know each other: the one that sends calls the other's `_arrive…`.
"""

from __future__ import annotations

import enum
import errno
from collections import deque

from wasihost._network.base import WILDCARD, Address, Family, Option, Socket, os_error
from wasihost._network.virtual.connections import Connection
from wasihost._network.virtual.endpoint import VirtualEndpoint
from wasihost._network.virtual.pipes import Pipe
from wasihost._network.virtual.topology import Node, Route

DEFAULTS = {
    Option.KEEP_ALIVE: 0,
    Option.KEEP_ALIVE_IDLE_S: 7200,
    Option.KEEP_ALIVE_INTERVAL_S: 75,
    Option.KEEP_ALIVE_COUNT: 9,
    Option.HOP_LIMIT: 64,
    Option.RECEIVE_BUFFER_BYTES: 1 << 20,
    Option.SEND_BUFFER_BYTES: 1 << 20,
}
"""Linux's, tcp(7), but for the buffers, which it adapts to the connection."""


class _State(enum.Enum):
    IDLE = enum.auto()
    CONNECTING = enum.auto()
    CONNECTED = enum.auto()
    LISTENING = enum.auto()
    OVER = enum.auto()  # reset, or never connected


class VirtualSocket(VirtualEndpoint, Socket):
    """A TCP socket on a host of a virtual network."""

    __slots__ = ("_backlog", "_error", "_in", "_is_read_shut", "_out", "_peer", "_queue", "_remote", "_state", "_syns")

    _in: Pipe
    _out: Pipe
    _peer: VirtualSocket

    def __init__(self, place: Node, family: Family, options: dict[Option, int] | None = None) -> None:
        super().__init__(place, family, dict(options or DEFAULTS))
        self._state = _State.IDLE
        self._remote: Address | None = None
        self._error = 0  # SO_ERROR: reported once
        self._is_read_shut = False
        # Of a listener: connections to be accepted, and the clients that wait for room there.
        self._backlog = 0
        self._queue: deque[VirtualSocket] = deque()
        self._syns: deque[tuple[VirtualSocket, Route]] = deque()

    # ---- connecting

    def bind(self, address: Address) -> None:
        self._check_local(address)
        self._bound = self._place.tcp.bind(address, self)
        self._local = self._bound

    def connect(self, address: Address) -> None:
        self._require_open()
        if self._state is not _State.IDLE:
            raise os_error(errno.EALREADY if self._state is _State.CONNECTING else errno.EISCONN)
        self._require_family(address)
        route = self._place.route(address, self._local)
        if self._local is None:
            self._bound = self._place.tcp.bind(Address(route.source, 0), self)
            self._local = self._bound
        else:
            self._local = Address(route.source, self._local.port)
        self._state = _State.CONNECTING
        self._remote = route.destination
        route.way.carry(0, lambda: self._arrive_syn(route))

    def finish_connect(self) -> None:
        if self._error:
            raise self._take_error()
        if self._state is _State.CONNECTING:
            raise BlockingIOError(errno.EINPROGRESS, "still connecting")
        self._require_connected()

    def _arrive_syn(self, route: Route) -> None:
        """At the other host."""
        listener: VirtualSocket | None = route.place.tcp.at(route.destination)
        if listener is None or not listener.is_listening:
            route.back.carry(0, self._arrive_refusal)
        elif len(listener._queue) > listener._backlog:
            listener._syns.append((self, route))
        else:
            listener._take(self, route)

    def _arrive_refusal(self) -> None:
        self._fail(errno.ECONNREFUSED)

    def _arrive_answer(self) -> None:
        """The other host has taken the connection."""
        if self.is_closed:
            self._in.close()
            self._reset_peer()
        elif self._state is _State.CONNECTING:
            self._state = _State.CONNECTED
            self._writable.wake()

    # ---- accepting

    @property
    def is_listening(self) -> bool:
        """Whether connections can come in."""
        return self._state is _State.LISTENING and not self.is_closed

    def listen(self, backlog: int) -> None:
        self._require_open()
        if self._state not in (_State.IDLE, _State.LISTENING):
            raise os_error(errno.EINVAL)
        if self._local is None:
            self.bind(WILDCARD[self._family])
        self._state = _State.LISTENING
        self._backlog = backlog
        self._take_waiting()
        self._place.listens()

    def accept(self) -> tuple[Socket, Address]:
        self._require_open()
        if self._state is not _State.LISTENING:
            raise os_error(errno.EINVAL)
        if not self._queue:
            raise BlockingIOError(errno.EAGAIN, "no connection to accept")
        accepted = self._queue.popleft()
        self._take_waiting()
        assert accepted._remote is not None
        return accepted, accepted._remote

    def _take_waiting(self) -> None:
        while self._syns and len(self._queue) <= self._backlog:
            self._take(*self._syns.popleft())

    def _take(self, client: VirtualSocket, route: Route) -> None:
        """Puts the connection of a client into the backlog."""
        if client.is_closed:
            return
        made = VirtualSocket(self._place, self._family, self._options)
        made._local = route.destination
        made._remote = client._local
        made._state = _State.CONNECTED
        there = Pipe(route.way, client._writable, 0, made._readable, 0)
        back = Pipe(route.back, made._writable, 0, client._readable, 0)
        client._join(made, back, there)
        made._join(client, there, back)
        assert client._local is not None
        self._place.topology.connected(Connection(client._local, route.destination, there, back))
        self._queue.append(made)
        self._readable.wake()
        route.back.carry(0, client._arrive_answer)

    def _join(self, peer: VirtualSocket, incoming: Pipe, outgoing: Pipe) -> None:
        self._peer = peer
        self._in = incoming
        self._out = outgoing
        incoming.refuse = self._reset_peer
        self._size_buffers()

    # ---- ending

    def close(self) -> None:
        if not self.is_closed:
            self._close(resets=False)

    def abort(self) -> None:
        if not self.is_closed:
            self._close(resets=True)

    def _close(self, resets: bool) -> None:
        self.is_closed = True
        self._readable.cancel()
        self._writable.cancel()
        if self._bound is not None:
            self._place.tcp.release(self._bound)
        if self._state is _State.LISTENING:
            for accepted in self._queue:
                accepted.abort()
            for client, route in self._syns:
                route.back.carry(0, client._arrive_refusal)
        elif self._state is _State.CONNECTED:
            if resets or self._in.arrived:
                self._reset_peer()
            else:
                self._out.end()
            self._in.close()

    def _reset_peer(self) -> None:
        self._out.send_reset(self._peer._arrive_reset)

    def _arrive_reset(self) -> None:
        if self._state in (_State.CONNECTING, _State.CONNECTED):
            self._fail(errno.EPIPE if self._in.end_arrived else errno.ECONNRESET)

    def _fail(self, code: int) -> None:
        if not self.is_closed:
            self._state = _State.OVER
            self._error = code
            self._readable.wake()
            self._writable.wake()

    # ---- bytes

    def recv_into(self, view: memoryview) -> int:
        return self._in.read_into(view) if self._has_arrived() else 0

    def recv(self, limit: int) -> bytes:
        return self._in.read(limit) if self._has_arrived() else b""

    def _has_arrived(self) -> bool:
        """Whether there are bytes; False: it is the end."""
        self._require_open()
        has_pipes = self._state is _State.CONNECTED or (self._state is _State.OVER and hasattr(self, "_in"))
        if has_pipes and self._in.arrived:
            return True
        if self._error:
            raise self._take_error()
        if self._state is not _State.OVER:
            self._require_connected()
            if not (self._in.end_arrived or self._is_read_shut):
                raise BlockingIOError(errno.EAGAIN, "nothing to receive")
        return False

    def send(self, view: memoryview) -> int:
        self._require_open()
        if self._error:
            raise self._take_error()
        if self._state is _State.OVER or (self._state is _State.CONNECTED and self._out.end_sent):
            raise os_error(errno.EPIPE)
        self._require_connected()
        taken = self._out.write(view)
        if not taken and len(view):
            raise BlockingIOError(errno.EAGAIN, "the buffers are full")
        return taken

    def shutdown_read(self) -> None:
        self._require_connected()
        self._is_read_shut = True
        self._readable.wake()

    def shutdown_write(self) -> None:
        self._require_connected()
        self._out.end()
        self._writable.wake()

    # ---- questions

    def remote_address(self) -> Address:
        self._require_connected()
        assert self._remote is not None
        return self._remote

    def set_option(self, option: Option, value: int) -> None:
        super().set_option(option, value)
        if self._state is _State.CONNECTED:
            self._size_buffers()

    def _size_buffers(self) -> None:
        self._in.receive_buffer = self._options[Option.RECEIVE_BUFFER_BYTES]
        self._out.send_buffer = self._options[Option.SEND_BUFFER_BYTES]

    def _is_readable(self) -> bool:
        match self._state:
            case _State.LISTENING:
                return bool(self._queue)
            case _State.CONNECTED:
                return bool(self._in.arrived or self._in.end_arrived or self._is_read_shut)
        return self._state is _State.OVER

    def _is_writable(self) -> bool:
        if self._state is _State.CONNECTED:
            return self._out.end_sent or self._out.is_roomy
        return self._state is _State.OVER

    def _take_error(self) -> OSError:
        code = self._error
        self._error = 0
        return os_error(code)

    def _require_connected(self) -> None:
        self._require_open()
        if self._state is not _State.CONNECTED:
            raise os_error(errno.ENOTCONN)
