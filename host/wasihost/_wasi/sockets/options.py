"""The options of both kinds of sockets: which values are taken, and how they are clamped.

A value of 0 is an invalid argument; other values are clamped to the bounds of the platforms and rounded, never refused.
For the keep-alive values and the backlog 0 is looked at before the state, for the others after it, as in Wasmtime.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from wasihost._base.clock import NS_PER_S
from wasihost._network.base import Endpoint, Option
from wasihost._wasi.failures import Failure, Reason, attempt
from wasihost._wasi.sockets.operations import OPTION, Operation

MAX_INT: Final = 0x7FFF_FFFF  # int of setsockopt(2) and listen(2)
_MOST: Final = {
    Option.KEEP_ALIVE: 1,
    Option.KEEP_ALIVE_IDLE_S: 0x7FFF,  # Linux: MAX_TCP_KEEPIDLE
    Option.KEEP_ALIVE_INTERVAL_S: 0x7FFF,  # Linux: MAX_TCP_KEEPINTVL
    Option.KEEP_ALIVE_COUNT: 0x7F,  # Linux: MAX_TCP_KEEPCNT
    Option.HOP_LIMIT: 0xFF,
    Option.RECEIVE_BUFFER_BYTES: MAX_INT,
    Option.SEND_BUFFER_BYTES: MAX_INT,
}
_ZERO_FIRST: Final = (Option.KEEP_ALIVE_IDLE_S, Option.KEEP_ALIVE_INTERVAL_S, Option.KEEP_ALIVE_COUNT)


def whole_seconds(duration_ns: int) -> int:
    """A duration in the seconds that the platforms have, rounded up."""
    return -(-duration_ns // NS_PER_S)


def not_zero(value: int) -> int:
    """The value. Failure: it is 0."""
    if value == 0:
        raise Failure(Reason.INVALID_ARGUMENT)
    return value


class Options:
    """The options of sockets of both protocols."""

    __slots__ = ()

    @abstractmethod
    def _allowed(self, operation: Operation) -> Endpoint:
        """The socket of the network, if the operation is allowed in the present state."""

    def get_option(self, option: Option) -> int:
        """The value in effect, in the unit that the option's name says."""
        socket = self._allowed(OPTION)
        try:  # not `attempt`, which would be a tenth of the call
            return socket.get_option(option)
        except OSError as error:
            raise Failure(error) from error

    def set_option(self, option: Option, value: int) -> None:
        """Sets the nearest possible value."""
        if option in _ZERO_FIRST:
            not_zero(value)
        socket = self._allowed(OPTION)
        if option is not Option.KEEP_ALIVE:
            not_zero(value)
        attempt(socket.set_option, option, min(value, _MOST[option]))
