"""The streams of a connection, and its ends, which outlive them.

When a guest of 0.2 drops the streams of a socket, the peer hears nothing: it is the socket that ends a connection, by
`shutdown` or by its drop. So each stream gets an end of the connection that stays open when the stream lets go of it.
"""

from __future__ import annotations

from collections.abc import Callable

from wasihost._base.streams import ByteSink, ByteSource, Unwritten
from wasihost._wasi.p2.io.error import Domain
from wasihost._wasi.p2.io.poll import Subject
from wasihost._wasi.p2.io.streams import InputStream, OutputStream
from wasihost._wasi.p2.sockets.errors import attempt
from wasihost._wasi.sockets.streams import ReceiveSource, SendSink
from wasihost._wasi.sockets.tcp import TcpSocket


class Connection:
    """The two streams of a socket that has just been connected, its children."""

    def __init__(self, socket: TcpSocket, parent: Subject, unwritten: Unwritten) -> None:
        self._source = _LastingSource(attempt(socket.receive, _ignore))
        self._sink = _LastingSink(attempt(socket.send, _ignore))
        self.streams = (
            InputStream(self._source, parent, Domain.NETWORK),
            OutputStream(self._sink, parent, Domain.NETWORK, unwritten=unwritten),
        )

    def end_input(self) -> None:
        """No more is received, and unread bytes are thrown away."""
        self.streams[0].end()
        self._source.end()

    def end_output(self) -> None:
        """No more is sent: a FIN follows the last byte that was written."""
        self.streams[1].end()
        self._sink.end()


def _ignore(_error: BaseException | None) -> None:
    """The streams report their errors themselves."""


class _LastingSource(ByteSource):
    """The bytes that a connection receives."""

    def __init__(self, source: ReceiveSource) -> None:
        self._source = source
        self._is_open = True

    def read_into(self, view: memoryview) -> int:
        return self._source.read_into(view)

    @property
    def readable_fd(self) -> int | None:
        return self._source.readable_fd

    def wait_readable(self, callback: Callable[[], None]) -> None:
        self._source.wait_readable(callback)

    def unread(self, view: memoryview) -> None:
        self._source.unread(view)

    def close(self, error: BaseException | None) -> None:
        """The stream is gone; the connection goes on receiving."""

    def end(self) -> None:
        """No more is received."""
        if self._is_open:
            self._is_open = False
            self._source.close(None)


class _LastingSink(ByteSink):
    """The bytes that a connection sends."""

    def __init__(self, sink: SendSink) -> None:
        self._sink = sink
        self._is_left = False
        self._is_ended = False

    def write(self, view: memoryview) -> int:
        return self._sink.write(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        self._sink.wait_writable(callback)

    def close(self, error: BaseException | None) -> None:
        """The stream is gone, and every byte of it is written."""
        self._is_left = True
        if self._is_ended:
            self._sink.close(error)

    def end(self) -> None:
        """No more is sent after the last byte of the stream."""
        if not self._is_ended:
            self._is_ended = True
            if self._is_left:
                self._sink.close(None)
