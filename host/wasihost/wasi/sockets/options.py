"""What the options of `tcp-socket` and `udp-socket` share: how they are read and set, and the buffer sizes.

A value of 0 is `invalid-argument`; other values are clamped to what the platforms take and rounded, never refused.
"""

from __future__ import annotations

from abc import abstractmethod

from wasihost.component.values import WitError
from wasihost.network.base import Endpoint, Option
from wasihost.wasi.sockets.errors import INVALID_ARGUMENT, attempt

MAX_INT = 0x7FFF_FFFF  # int of setsockopt(2) and listen(2)


def not_zero(value: int) -> int:
    """The value, or `invalid-argument` when it is 0."""
    if value == 0:
        raise WitError(INVALID_ARGUMENT)
    return value


class Options:
    """The last four methods of both resources, in the order of the WIT."""

    __slots__ = ()

    @abstractmethod
    def _allowed(self, method: str) -> Endpoint:
        """The socket of the network, if `method` is allowed in the present state."""

    def _get(self, method: str, option: Option) -> int:
        return attempt(self._allowed(method).get_option, option)

    def _set(self, method: str, option: Option, value: int) -> None:
        attempt(self._allowed(method).set_option, option, value)

    def get_receive_buffer_size(self) -> int:
        """WIT: `get-receive-buffer-size: func() -> result<u64, error-code>`.

        Bytes. SO_RCVBUF, socket(7); what Linux adds for its own use is taken off.
        """
        return self._get("get-receive-buffer-size", Option.RECEIVE_BUFFER_BYTES)

    def set_receive_buffer_size(self, value: int) -> None:
        """WIT: `set-receive-buffer-size: func(value: u64) -> result<_, error-code>`.

        Bytes; at most 2^31 - 1, and every platform has limits of its own.
        - `invalid-argument`: the value is 0.
        """
        self._allowed("set-receive-buffer-size")
        self._set("set-receive-buffer-size", Option.RECEIVE_BUFFER_BYTES, min(not_zero(value), MAX_INT))

    def get_send_buffer_size(self) -> int:
        """WIT: `get-send-buffer-size: func() -> result<u64, error-code>`.

        Bytes. SO_SNDBUF, socket(7); what Linux adds for its own use is taken off.
        """
        return self._get("get-send-buffer-size", Option.SEND_BUFFER_BYTES)

    def set_send_buffer_size(self, value: int) -> None:
        """WIT: `set-send-buffer-size: func(value: u64) -> result<_, error-code>`.

        Bytes; at most 2^31 - 1, and every platform has limits of its own.
        - `invalid-argument`: the value is 0.
        """
        self._allowed("set-send-buffer-size")
        self._set("set-send-buffer-size", Option.SEND_BUFFER_BYTES, min(not_zero(value), MAX_INT))
