"""The options of a `tcp-socket`: units, limits and rounding.

Every getter and setter gives `invalid-state` while the socket is `connecting` and the error that closed it when it is
`closed`. A value of 0 is `invalid-argument`; other values are clamped to what the platforms take and rounded, never
refused. For the keep-alive values and the backlog 0 is looked at before the state, for the others after it, as in
Wasmtime.
"""

from __future__ import annotations

from abc import abstractmethod

from wasihost.component.values import WitError
from wasihost.network.base import Option, Socket
from wasihost.wasi.sockets.errors import INVALID_ARGUMENT, wit_error

_S = 1_000_000_000
_MAX_KEEP_ALIVE_S = 0x7FFF  # Linux: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL
_MAX_KEEP_ALIVE_COUNT = 0x7F  # Linux: MAX_TCP_KEEPCNT
MAX_INT = 0x7FFF_FFFF  # int of setsockopt(2) and listen(2)


def keep_alive_seconds(duration_ns: int) -> int:
    """A duration in the seconds that the platforms have: rounded up, 1 to 32767."""
    return min(-(-duration_ns // _S), _MAX_KEEP_ALIVE_S)


def not_zero(value: int) -> int:
    """The value, or `invalid-argument` when it is 0."""
    if value == 0:
        raise WitError(INVALID_ARGUMENT)
    return value


class TcpOptions:
    """The last fourteen methods of `tcp-socket`, in the order of the WIT."""

    __slots__ = ()

    @abstractmethod
    def _allowed(self, method: str) -> Socket:
        """The socket of the network, if `method` is allowed in the present state."""

    def _get(self, method: str, option: Option) -> int:
        socket = self._allowed(method)
        try:
            return socket.get_option(option)
        except OSError as error:
            raise wit_error(error) from error

    def _set(self, method: str, option: Option, value: int) -> None:
        socket = self._allowed(method)
        try:
            socket.set_option(option, value)
        except OSError as error:
            raise wit_error(error) from error

    def get_keep_alive_enabled(self) -> bool:
        """WIT: `get-keep-alive-enabled: func() -> result<bool, error-code>`.

        SO_KEEPALIVE, socket(7).
        """
        return bool(self._get("get-keep-alive-enabled", Option.KEEP_ALIVE))

    def set_keep_alive_enabled(self, value: bool) -> None:
        """WIT: `set-keep-alive-enabled: func(value: bool) -> result<_, error-code>`."""
        self._set("set-keep-alive-enabled", Option.KEEP_ALIVE, int(value))

    def get_keep_alive_idle_time(self) -> int:
        """WIT: `get-keep-alive-idle-time: func() -> result<duration, error-code>`.

        Nanoseconds; whole seconds. TCP_KEEPIDLE, tcp(7); TCP_KEEPALIVE on macOS.
        """
        return self._get("get-keep-alive-idle-time", Option.KEEP_ALIVE_IDLE_S) * _S

    def set_keep_alive_idle_time(self, value: int) -> None:
        """WIT: `set-keep-alive-idle-time: func(value: duration) -> result<_, error-code>`.

        Nanoseconds; rounded up to whole seconds, at most 32767.
        - `invalid-argument`: the value is 0.
        """
        seconds = keep_alive_seconds(not_zero(value))
        self._set("set-keep-alive-idle-time", Option.KEEP_ALIVE_IDLE_S, seconds)

    def get_keep_alive_interval(self) -> int:
        """WIT: `get-keep-alive-interval: func() -> result<duration, error-code>`.

        Nanoseconds; whole seconds. TCP_KEEPINTVL, tcp(7).
        """
        return self._get("get-keep-alive-interval", Option.KEEP_ALIVE_INTERVAL_S) * _S

    def set_keep_alive_interval(self, value: int) -> None:
        """WIT: `set-keep-alive-interval: func(value: duration) -> result<_, error-code>`.

        Nanoseconds; rounded up to whole seconds, at most 32767.
        - `invalid-argument`: the value is 0.
        """
        seconds = keep_alive_seconds(not_zero(value))
        self._set("set-keep-alive-interval", Option.KEEP_ALIVE_INTERVAL_S, seconds)

    def get_keep_alive_count(self) -> int:
        """WIT: `get-keep-alive-count: func() -> result<u32, error-code>`.

        Packets. TCP_KEEPCNT, tcp(7).
        """
        return self._get("get-keep-alive-count", Option.KEEP_ALIVE_COUNT)

    def set_keep_alive_count(self, value: int) -> None:
        """WIT: `set-keep-alive-count: func(value: u32) -> result<_, error-code>`.

        Packets; at most 127.
        - `invalid-argument`: the value is 0.
        """
        count = min(not_zero(value), _MAX_KEEP_ALIVE_COUNT)
        self._set("set-keep-alive-count", Option.KEEP_ALIVE_COUNT, count)

    def get_hop_limit(self) -> int:
        """WIT: `get-hop-limit: func() -> result<u8, error-code>`.

        Hops. IP_TTL, ip(7); IPV6_UNICAST_HOPS, ipv6(7).
        """
        return self._get("get-hop-limit", Option.HOP_LIMIT)

    def set_hop_limit(self, value: int) -> None:
        """WIT: `set-hop-limit: func(value: u8) -> result<_, error-code>`.

        Hops.
        - `invalid-argument`: the value is 0.
        """
        self._allowed("set-hop-limit")
        self._set("set-hop-limit", Option.HOP_LIMIT, not_zero(value))

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
