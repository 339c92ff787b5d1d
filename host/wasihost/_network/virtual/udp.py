"""UDP sockets of a virtual network.

Theory of operation. A datagram travels alone, whole, and may be lost in two ways: the receiver's buffer is full, or
more than the sender's buffer holds waits for a way with a bandwidth. If no socket has the port an answer comes back
(ICMP), of which only a connected socket hears, once, in its next call. A connected socket takes from its peer only.
"""

from __future__ import annotations

import errno
from collections import deque

from wasihost._network.base import MAX_DATAGRAM_BYTES, WILDCARD, Address, DatagramSocket, Family, Option, os_error
from wasihost._network.virtual.endpoint import VirtualEndpoint
from wasihost._network.virtual.topology import Node, Route

DEFAULTS = {Option.HOP_LIMIT: 64, Option.RECEIVE_BUFFER_BYTES: 212992, Option.SEND_BUFFER_BYTES: 212992}
"""Linux's, socket(7)."""
_OVERHEAD = 256  # the space of a datagram in a buffer besides its bytes, so that empty ones do not fill the memory


class VirtualDatagramSocket(VirtualEndpoint, DatagramSocket):
    """A UDP socket on a host of a virtual network."""

    __slots__ = ("_error", "_queue", "_queued", "_remote")

    def __init__(self, place: Node, family: Family) -> None:
        super().__init__(place, family, dict(DEFAULTS))
        self._remote: Address | None = None
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._queued = 0
        self._error = 0

    def bind(self, address: Address) -> None:
        self._check_local(address)
        self._bound = self._place.udp.bind(address, self)
        self._local = self._bound

    def connect(self, address: Address) -> None:
        self._require_open()
        self._require_family(address)
        route = self._place.route(address, self._bound)
        if self._bound is None:
            self.bind(WILDCARD[self._family])
        assert self._bound is not None
        self._local = Address(route.source, self._bound.port)
        self._remote = route.destination
        self._error = 0

    def disconnect(self) -> None:
        self.remote_address()
        self._remote = None
        self._local = self._bound
        self._error = 0

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._readable.cancel()
            self._writable.cancel()
            self._queue.clear()
            if self._bound is not None:
                self._place.udp.release(self._bound)

    def remote_address(self) -> Address:
        self._require_open()
        if self._remote is None:
            raise os_error(errno.ENOTCONN)
        return self._remote

    # ---- datagrams

    def recv_from(self) -> tuple[bytes, Address]:
        self._require_open()
        self._raise_error()
        if not self._queue:
            raise BlockingIOError(errno.EAGAIN, "nothing to receive")
        data, sender = self._queue.popleft()
        self._queued -= len(data) + _OVERHEAD
        return data, sender

    def send_to(self, data: bytes, address: Address | None) -> None:
        self._require_open()
        self._raise_error()
        address = address or self._remote
        if address is None:
            raise os_error(errno.EDESTADDRREQ)
        self._require_family(address)
        if len(data) > MAX_DATAGRAM_BYTES[self._family]:
            raise os_error(errno.EMSGSIZE)
        route = self._place.route(address, self._local)
        if self._local is None:
            self.bind(WILDCARD[self._family])
        assert self._local is not None
        if route.way.is_limited and route.way.queued > self._options[Option.SEND_BUFFER_BYTES]:
            return  # a router's queue is full
        data = bytes(data)
        sender = Address(route.source, self._local.port)
        route.way.carry(len(data), lambda: self._arrive(data, sender, route))

    def _arrive(self, data: bytes, sender: Address, route: Route) -> None:
        """At the other host."""
        receiver: VirtualDatagramSocket | None = route.place.udp.at(route.destination)
        if receiver is None:
            route.back.carry(0, lambda: self._arrive_refusal(route.destination))
        elif receiver._remote in (None, sender):
            receiver._take(data, sender)

    def _take(self, data: bytes, sender: Address) -> None:
        if self._queued < self._options[Option.RECEIVE_BUFFER_BYTES]:
            self._queue.append((data, sender))
            self._queued += len(data) + _OVERHEAD
            self._readable.wake()

    def _arrive_refusal(self, destination: Address) -> None:
        if self._remote == destination and not self.is_closed:
            self._error = errno.ECONNREFUSED
            self._readable.wake()
            self._writable.wake()

    def _raise_error(self) -> None:
        if self._error:
            code = self._error
            self._error = 0
            raise os_error(code)

    # ---- waiting

    def _is_readable(self) -> bool:
        return bool(self._queue or self._error)

    def _is_writable(self) -> bool:
        return True
