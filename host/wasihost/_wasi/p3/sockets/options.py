"""Common options of `tcp-socket` and `udp-socket`: the buffer sizes."""

from __future__ import annotations

from wasihost._network.base import Option
from wasihost._wasi.p3.sockets.errors import attempt
from wasihost._wasi.sockets import options


class Options:
    """The last four methods of both resources, in the order of the WIT."""

    __slots__ = ()

    _socket: options.Options

    def get_receive_buffer_size(self) -> int:
        """WIT: `get-receive-buffer-size: func() -> result<u64, error-code>`.

        Bytes. SO_RCVBUF, socket(7), without the part that Linux adds for its own use.
        """
        return attempt(self._socket.get_option, Option.RECEIVE_BUFFER_BYTES)

    def set_receive_buffer_size(self, value: int) -> None:
        """WIT: `set-receive-buffer-size: func(value: u64) -> result<_, error-code>`.

        Bytes; at most 2^31 - 1, and every platform has limits of its own.
        - `invalid-argument`: the value is 0.
        """
        attempt(self._socket.set_option, Option.RECEIVE_BUFFER_BYTES, value)

    def get_send_buffer_size(self) -> int:
        """WIT: `get-send-buffer-size: func() -> result<u64, error-code>`.

        Bytes. SO_SNDBUF, socket(7), without the part that Linux adds for its own use.
        """
        return attempt(self._socket.get_option, Option.SEND_BUFFER_BYTES)

    def set_send_buffer_size(self, value: int) -> None:
        """WIT: `set-send-buffer-size: func(value: u64) -> result<_, error-code>`.

        Bytes; at most 2^31 - 1, and every platform has limits of its own.
        - `invalid-argument`: the value is 0.
        """
        attempt(self._socket.set_option, Option.SEND_BUFFER_BYTES, value)
