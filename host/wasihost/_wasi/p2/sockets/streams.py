"""The ends of a connection, which outlive the streams of 0.2 that use them.

When a guest of 0.2 drops the streams of a socket, the peer hears nothing: it is the socket that ends a connection, by
`shutdown` or by its drop. So each stream gets an end of the connection that stays open when the stream lets go of it.
"""

from __future__ import annotations

from collections.abc import Callable

from wasihost._base.streams import ByteSink, ByteSource
from wasihost._wasi.sockets.streams import ReceiveSource, SendSink


class LastingSource(ByteSource):
    """What a connection receives."""

    def __init__(self, source: ReceiveSource) -> None:
        self._source = source

    def read_into(self, view: memoryview) -> int:
        """The number of bytes received, 0 after the peer's FIN."""
        return self._source.read_into(view)

    def wait_readable(self, callback: Callable[[], None]) -> None:
        """Calls back when bytes, the end or an error is there."""
        self._source.wait_readable(callback)

    def unread(self, view: memoryview) -> None:
        """Closing the connection will be a reset."""
        self._source.unread(view)

    def close(self, error: BaseException | None) -> None:
        """The stream is gone; the connection goes on receiving."""

    def end(self) -> None:
        """No more is received."""
        self._source.close(None)


class LastingSink(ByteSink):
    """What a connection sends."""

    def __init__(self, sink: SendSink) -> None:
        self._sink = sink
        self._is_left = False
        self._is_ended = False

    def write(self, view: memoryview) -> int:
        """The number of bytes that the network took."""
        return self._sink.write(view)

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Calls back when bytes can be taken, or an error is there."""
        self._sink.wait_writable(callback)

    def close(self, error: BaseException | None) -> None:
        """The stream is gone, and every byte of it is written."""
        self._is_left = True
        if self._is_ended:
            self._sink.close(error)

    def end(self) -> None:
        """No more is sent: a FIN follows the last byte of the stream."""
        self._is_ended = True
        if self._is_left:
            self._sink.close(None)
