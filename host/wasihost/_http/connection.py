"""The common part of a connection's two directions, on the client's side and on the server's.

Theory of operation. Bytes written within a few passes of the event loop go out together, so that a head, a short
body and its end are one segment: a guest takes some passes to give them. The transport says when its buffer is full;
senders then wait, at most for `write_timeout_s`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable

from wasihost._base.clock import NS_PER_S, Clock, Timer
from wasihost._base.waiting import Called
from wasihost._http.errors import ErrorCode, HttpError
from wasihost._http.limits import MessageLimits
from wasihost._http.parsing import Content
from wasihost._network.base import Socket
from wasihost._network.peers import SocketTransport

_READ_BYTES = 1 << 18
"""At a time, as asyncio's transports."""
_TOGETHER_BYTES = 1 << 14
"""From here on it is sent at once."""
TOGETHER_PASSES = 3
"""Of the event loop: in the first a guest learns that it can write, in the second it does, in the third it ends."""


class Common:
    """The common parts of all connections of a server, or of a client."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(_READ_BYTES))
        """The buffer of all reads, since the bytes are taken out at once."""
        self._waiting: deque[dict[Connection, None]] = deque({} for _ in range(TOGETHER_PASSES))
        self._is_counting = False

    def flush_soon(self, connection: Connection) -> dict[Connection, None]:
        """Flushes a connection some passes of the event loop from now; it waits in the dict that this returns."""
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._pass)
        waiting = self._waiting[-1]
        waiting[connection] = None
        return waiting

    def _pass(self) -> None:
        due = self._waiting.popleft()
        self._waiting.append({})
        self._is_counting = any(self._waiting)
        if self._is_counting:
            asyncio.get_running_loop().call_soon(self._pass)
        for connection in list(due):
            connection.flush()


class Connection(asyncio.BufferedProtocol):
    """The protocol of a transport: bytes in, bytes out with back-pressure, and the error that ended it."""

    transport: SocketTransport

    def __init__(self, common: Common, clock: Clock, limits: MessageLimits) -> None:
        self._common = common
        self.clock = clock
        self.limits = limits
        self.error: HttpError | None = None
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._waits_in: dict[Connection, None] | None = None  # to be flushed
        self.is_full = False
        """Whether nothing is to be written for now."""
        self._full_timer: Timer | None = None
        self._when_writable: Callable[[], None] | None = None
        self._made: Called | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, SocketTransport)
        self.transport = transport
        if self._made is not None:
            self._made()

    async def open_on(self, socket: Socket) -> None:
        """Makes the socket its own. Errors: OSError."""
        made = self._made = Called()
        try:
            self.transport = SocketTransport(socket, self)
        except BaseException:
            socket.close()
            raise
        try:
            await made
        except BaseException:
            self.transport.abort()
            raise

    @property
    def peer(self) -> str:
        """The IP address of the other side."""
        return str(self.transport.get_extra_info("peername")[0])

    @abstractmethod
    def fail(self, error: HttpError) -> None:
        """Ends the connection at once; `error` goes to whatever reads or writes."""

    # ---- reading

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._common.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received(bytes(self._common.buffer[:nbytes]))

    @abstractmethod
    def received(self, data: bytes) -> None:
        """The peer sent this."""

    def read_straight(self, view: memoryview, content: Content) -> int:
        """Fills the beginning of `view` with content from the socket; the number of bytes. Errors: BlockingIOError."""
        size = self.transport.read_into(view[: content.left])
        content.skip(size)
        return size

    # ---- writing

    def check_writable(self) -> None:
        """BlockingIOError: wait first. HttpError: it has ended."""
        if self.error is not None:
            raise self.error
        if self.is_full:
            raise BlockingIOError

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Calls back once, when more can be written or the connection has ended."""
        self._when_writable = callback
        if not self.is_full or self.error is not None:
            asyncio.get_running_loop().call_soon(self._writable)

    def write(self, *parts: bytes | memoryview) -> None:
        """Sends the parts at once if they are large, else with those of the next passes of the event loop."""
        size = self._pending_bytes
        for part in parts:
            size += len(part)
        if size >= _TOGETHER_BYTES:
            self.flush(*parts)
            return
        self._pending.append(b"".join(parts))
        self._pending_bytes = size
        if self._waits_in is None:
            self._waits_in = self._common.flush_soon(self)

    def flush(self, *parts: bytes | memoryview) -> None:
        """Sends the parts that wait to go out together, and these behind them."""
        self._stop_waiting()
        if self._pending:
            pending = b"".join(self._pending)
            self._pending.clear()
            self._pending_bytes = 0
            parts = (pending, *parts)
        if parts:
            self.transport.writelines(parts)

    def _stop_waiting(self) -> None:
        if self._waits_in is not None:
            del self._waits_in[self]
            self._waits_in = None

    def pause_writing(self) -> None:
        self.is_full = True
        if self.limits.write_timeout_s is not None:
            timeout_ns = round(self.limits.write_timeout_s * NS_PER_S)
            self._full_timer = self.clock.call_later(timeout_ns, self._write_timed_out)

    def resume_writing(self) -> None:
        self.is_full = False
        self._stop_timer()
        self._writable()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_timer()
        self._stop_waiting()
        self._writable()

    def _write_timed_out(self) -> None:
        self.fail(HttpError(ErrorCode.CONNECTION_WRITE_TIMEOUT))

    def _stop_timer(self) -> None:
        if self._full_timer is not None:
            self._full_timer.cancel()
            self._full_timer = None

    def _writable(self) -> None:
        callback = self._when_writable
        self._when_writable = None
        if callback is not None:
            callback()
