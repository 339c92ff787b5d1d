"""asyncio on the seam: transports, streams and servers for Python programs on any `Network`.

Theory of operation. A transport tries first and waits when it has to, as the event loop's own do; a protocol sees
the same calls, so that every asyncio protocol works here, and `asyncio.StreamReader` and `StreamWriter` are asyncio's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

from wasihost._base.waiting import Called
from wasihost._network.base import Address, Endpoint, Network, Socket, socket_name
from wasihost._network.waiting import writable

Connected: TypeAlias = "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]"
"""As of `asyncio.start_server`."""
P = TypeVar("P", bound=asyncio.BaseProtocol)

_READ_BYTES = 1 << 18  # as asyncio's transports
_STREAM_LIMIT = 1 << 16  # as asyncio.open_connection
_HIGH_WATER = 1 << 16  # as asyncio's transports
_PAUSE_S = 0.1  # after which accepting is worth another try where no descriptor was left


class SocketTransport(asyncio.Transport):
    """A connected socket of a network as an asyncio transport."""

    def __init__(self, socket: Socket, protocol: asyncio.BaseProtocol, over: Callable[[], None] | None = None) -> None:
        sockname = socket_name(socket.local_address())
        peername = socket_name(socket.remote_address())
        super().__init__({"sockname": sockname, "peername": peername, "socket": None})
        socket.send_at_once()  # as asyncio does
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._over = over
        self._buffer: deque[memoryview] = deque()
        self._buffered = 0
        self._high = _HIGH_WATER
        self._low = _HIGH_WATER // 4
        self._is_paused = False
        self._is_closing = False
        self._is_lost = False
        self._ends = False
        self._protocol_paused = False
        self._at_end = False
        self._cannot_write = False
        self.set_protocol(protocol)
        self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._call(self._protocol.connection_made, self)
        if not (self._is_paused or self._is_closing):
            self._socket.wait_readable(self._read)

    # ---- receiving

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol: Any = protocol
        self._is_buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def is_reading(self) -> bool:
        return not (self._is_paused or self._is_closing or self._at_end)

    def pause_reading(self) -> None:
        if self.is_reading():
            self._is_paused = True
            self._socket.cancel_readable()

    def resume_reading(self) -> None:
        if self._is_paused and not self._is_closing:
            self._is_paused = False
            if not (self._cannot_write or self._at_end):  # else the rest is read in a moment
                self._socket.wait_readable(self._read)

    def _read(self) -> None:
        try:
            size = self._receive_into() if self._is_buffered else self._receive()
        except BlockingIOError:
            size = 1
        except OSError as error:
            self._lose(error)
            return
        if self._is_closing:
            return
        if not size:
            self._hear_end()
        elif not self._is_paused:
            self._socket.wait_readable(self._read)

    def read_into(self, view: memoryview) -> int:
        """Reads what has come, for a protocol that has room of its own for it; 0 at the end, of which it hears, too.

        Errors: BlockingIOError, also if the connection is lost.
        """
        if self._is_closing:
            raise BlockingIOError
        try:
            size = self._socket.recv_into(view)
        except BlockingIOError:
            raise
        except OSError as error:
            self._lose(error)
            raise BlockingIOError from None
        if not size:
            self._hear_end()
        return size

    def when_readable(self, callback: Callable[[], None]) -> None:
        """Calls back once when there is something to read, and reads nothing until `resume_reading`."""
        if not (self._is_closing or self._at_end):
            self._is_paused = True
            self._socket.wait_readable(callback)

    def _hear_end(self) -> None:
        self._at_end = True
        if not self._call(self._protocol.eof_received):
            self.close()

    def _receive(self) -> int:
        data = self._socket.recv(_READ_BYTES)
        if data:
            self._call(self._protocol.data_received, data)
        return len(data)

    def _receive_into(self) -> int:
        size = self._socket.recv_into(memoryview(self._protocol.get_buffer(-1)))
        if size:
            self._call(self._protocol.buffer_updated, size)
        return size

    # ---- sending

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writelines((data,))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        if self._ends:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._is_lost or self._is_closing or self._cannot_write:
            return
        parts = [memoryview(data).cast("B") for data in list_of_data if data]
        if not parts:
            return
        if not self._buffer:
            try:
                parts = _behind(parts, self._socket.send_parts(parts) if parts[1:] else self._socket.send(parts[0]))
            except BlockingIOError:
                pass
            except OSError as error:
                self._fail_to_write(error)
                return
            if not parts:
                return
            self._socket.wait_writable(self._write)
        self._keep(parts)

    def _keep(self, parts: list[memoryview]) -> None:
        """To be written when the socket takes more."""
        for part in parts:
            self._buffer.append(part if isinstance(part.obj, bytes) else memoryview(bytes(part)))
            self._buffered += len(part)
        if self._buffered > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._call(self._protocol.pause_writing)

    def _write(self) -> None:
        try:
            while self._buffer:
                view = self._buffer[0]
                sent = self._socket.send(view)
                self._buffered -= sent
                if sent == len(view):
                    self._buffer.popleft()
                else:
                    self._buffer[0] = view[sent:]
        except BlockingIOError:
            self._socket.wait_writable(self._write)
        except OSError as error:
            self._fail_to_write(error)
            return
        if self._protocol_paused and self._buffered <= self._low:
            self._protocol_paused = False
            self._call(self._protocol.resume_writing)
        if not self._buffer:
            if self._ends:
                self._shut()
            if self._is_closing:
                self._finish(None)

    def _fail_to_write(self, error: OSError) -> None:
        """Loses the connection, but not the bytes that the peer sent before its reset."""
        self._cannot_write = True
        self._buffer.clear()
        self._buffered = 0
        self._loop.call_soon(self._read_rest, error)

    def _read_rest(self, error: OSError) -> None:
        with contextlib.suppress(OSError):
            while self.is_reading() and (self._receive_into() if self._is_buffered else self._receive()):
                pass
        self._lose(error)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not (self._ends or self._is_closing):
            self._ends = True
            if not self._buffer:
                self._shut()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):  # ENOTCONN: already reset
            self._socket.shutdown_write()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        high = (4 * low if low is not None else _HIGH_WATER) if high is None else high
        low = high // 4 if low is None else low
        if not high >= low >= 0:
            raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
        self._high = high
        self._low = low

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._low, self._high

    def get_write_buffer_size(self) -> int:
        return self._buffered

    # ---- ending

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._socket.cancel_readable()
            if not self._buffer:
                self._finish(None)

    def abort(self) -> None:
        """Closes with a reset: the peer sees ECONNRESET."""
        self._lose(None, resets=True)

    def _lose(self, error: Exception | None, resets: bool = False) -> None:
        self._is_closing = True
        self._buffer.clear()
        self._buffered = 0
        if not self._is_lost:
            if resets:
                self._socket.abort()
            self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._socket.cancel_readable()
            self._socket.cancel_writable()
            self._loop.call_soon(self._connection_lost, error)

    def _connection_lost(self, error: Exception | None) -> None:
        try:
            self._call(self._protocol.connection_lost, error)
        finally:
            self._socket.close()
            self._protocol = None  # which refers to this
            if self._over is not None:
                self._over()

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Calls the protocol; an exception of it ends the connection."""
        try:
            return method(*arguments)
        except Exception as error:
            self._loop.call_exception_handler(
                {
                    "message": f"{method.__qualname__}() failed",
                    "exception": error,
                    "transport": self,
                    "protocol": self._protocol,
                }
            )
            self._lose(error, resets=True)
            return None


def _behind(parts: list[memoryview], size: int) -> list[memoryview]:
    """What is left of the parts behind so many bytes."""
    for at, part in enumerate(parts):
        if size < len(part):
            return [part[size:], *parts[at + 1 :]]
        size -= len(part)
    return []


# ---- clients


async def connect(network: Network, address: Address, *, local: Address | None = None) -> Socket:
    """A connected socket. Errors: OSError."""
    socket = network.tcp_socket(address.ip.version)
    try:
        if local is not None:
            socket.bind(local)
        socket.connect(address)
        while True:
            try:
                socket.finish_connect()
                return socket
            except BlockingIOError:
                await writable(socket)
    except BaseException:
        socket.close()
        raise


async def create_connection(
    network: Network, factory: Callable[[], P], address: Address, *, local: Address | None = None
) -> tuple[SocketTransport, P]:
    """A connection with a protocol on it, as `loop.create_connection`. Errors: OSError."""
    socket = await connect(network, address, local=local)
    try:
        protocol = factory()
        transport = SocketTransport(socket, protocol)
    except BaseException:
        socket.close()
        raise
    await asyncio.sleep(0)  # connection_made
    return transport, protocol


async def open_connection(
    network: Network, address: Address, *, limit: int = _STREAM_LIMIT, local: Address | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection as streams, as `asyncio.open_connection`. Errors: OSError."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit, loop)
    transport, protocol = await create_connection(
        network, lambda: asyncio.StreamReaderProtocol(reader, loop=loop), address, local=local
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


# ---- servers


class Server(asyncio.AbstractServer):
    """Listens on sockets of a network, and gives each connection a protocol; `async with` closes it at the end.

    Beyond `most` connections others wait to be accepted; None: there is no limit.
    """

    def __init__(
        self, sockets: Sequence[Socket], factory: Callable[[], asyncio.BaseProtocol], *, most: int | None = None
    ) -> None:
        self.addresses = [socket.local_address() for socket in sockets]
        self._factory = factory
        self._most = most
        self._sockets = list(sockets)
        self._held: list[Socket] = []  # those that wait until there are less
        self._open: dict[Socket, SocketTransport] = {}
        self._closed: list[Called] = []
        for socket in sockets:
            self._wait(socket)

    @property
    def address(self) -> Address:
        """Where it listens, or the first of several."""
        return self.addresses[0]

    @property
    def port(self) -> int:
        """The port of `address`."""
        return self.address.port

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def is_serving(self) -> bool:
        return bool(self._sockets)

    async def start_serving(self) -> None:
        """It does so from the beginning."""

    async def serve_forever(self) -> None:
        """Until it is cancelled, which closes it."""
        async with self:
            await asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """Takes no more connections; those there are live on."""
        sockets = self._sockets
        self._sockets = []
        for socket in sockets:
            socket.close()
        self._tell()

    async def wait_closed(self) -> None:
        """Returns when it is closed and its connections have ended."""
        while self._sockets or self._open:
            called = Called()
            self._closed.append(called)
            await called

    def _tell(self) -> None:
        closed = self._closed
        self._closed = []
        for called in closed:
            called()

    def _wait(self, socket: Socket) -> None:
        socket.wait_readable(lambda: self._accept(socket))

    def _accept(self, listener: Socket) -> None:
        while self._sockets:
            if self._most is not None and len(self._open) >= self._most:
                self._held.append(listener)
                return
            try:
                socket, _ = listener.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.ECONNABORTED:
                    continue  # a connection that failed before it was accepted
                if error.errno not in (errno.EBADF, errno.EINVAL):  # it does not listen any more
                    # No descriptor is left: the connection waits in the queue.
                    asyncio.get_running_loop().call_later(_PAUSE_S, self._accept, listener)
                return
            try:
                transport = SocketTransport(socket, self._factory(), functools.partial(self._over, socket))
            except OSError:  # reset by now
                socket.close()
                continue
            self._open[socket] = transport
        if self._sockets:
            self._wait(listener)

    def _over(self, socket: Socket) -> None:
        del self._open[socket]
        held = self._held
        self._held = []
        for listener in held:
            self._accept(listener)
        self._tell()


def listen(network: Network, addresses: Sequence[Address], *, backlog: int = 100) -> list[Socket]:
    """Sockets that listen at the addresses. Errors: OSError.

    With several addresses, the free port that the first one gets for 0 is that of all.
    """
    sockets: list[Socket] = []
    try:
        for address in addresses:
            socket = network.tcp_socket(address.ip.version)
            sockets.append(socket)
            port = address.port or (sockets[0].local_address().port if len(sockets) > 1 else 0)
            socket.bind(Address(address.ip, port))
            socket.listen(backlog)
    except BaseException:
        _close(sockets)
        raise
    return sockets


def create_server(
    network: Network, factory: Callable[[], asyncio.BaseProtocol], addresses: Sequence[Address], *, backlog: int = 100
) -> Server:
    """A server whose connections get a protocol each, as `loop.create_server`. Errors: those of `listen`."""
    sockets = listen(network, addresses, backlog=backlog)
    try:
        return Server(sockets, factory)
    except BaseException:
        _close(sockets)
        raise


def start_server(
    network: Network,
    connected: Connected,
    addresses: Sequence[Address],
    *,
    backlog: int = 100,
    limit: int = _STREAM_LIMIT,
) -> Server:
    """A server whose connections are streams, as `asyncio.start_server`. Errors: OSError."""

    def factory() -> asyncio.BaseProtocol:
        loop = asyncio.get_running_loop()
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(limit, loop), connected, loop=loop)

    return create_server(network, factory, addresses, backlog=backlog)


def _close(endpoints: Iterable[Endpoint]) -> None:
    for endpoint in endpoints:
        endpoint.close()
