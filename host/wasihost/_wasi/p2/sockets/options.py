"""Common options of `tcp-socket` and `udp-socket`: the buffer sizes."""

from __future__ import annotations

from abc import abstractmethod

from wasihost._network.base import Option
from wasihost._wasi.p2.sockets.errors import attempt
from wasihost._wasi.sockets import options


class Options:
    """Four methods of both resources, in the order of the WIT."""

    @abstractmethod
    def _settled(self) -> options.Options:
        """The socket as the guest knows it."""

    def _get(self, option: Option) -> int:
        return attempt(self._settled().get_option, option)

    def _set(self, option: Option, value: int) -> None:
        attempt(self._settled().set_option, option, value)

    def receive_buffer_size(self) -> int:
        """WIT: `receive-buffer-size: func() -> result<u64, error-code>`.

        Bytes. SO_RCVBUF, socket(7), without the part that Linux adds for its own use.
        """
        return self._get(Option.RECEIVE_BUFFER_BYTES)

    def set_receive_buffer_size(self, value: int) -> None:
        """WIT: `set-receive-buffer-size: func(value: u64) -> result<_, error-code>`.

        Bytes; at most 2^31 - 1, and every platform has limits of its own.
        - `invalid-argument`: the value is 0.
        """
        self._set(Option.RECEIVE_BUFFER_BYTES, value)

    def send_buffer_size(self) -> int:
        """WIT: `send-buffer-size: func() -> result<u64, error-code>`.

        Bytes. SO_SNDBUF, socket(7), without the part that Linux adds for its own use.
        """
        return self._get(Option.SEND_BUFFER_BYTES)

    def set_send_buffer_size(self, value: int) -> None:
        """WIT: `set-send-buffer-size: func(value: u64) -> result<_, error-code>`.

        Bytes; at most 2^31 - 1, and every platform has limits of its own.
        - `invalid-argument`: the value is 0.
        """
        self._set(Option.SEND_BUFFER_BYTES, value)
