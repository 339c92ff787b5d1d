"""The options that only a `tcp-socket` has: units, limits and rounding; the others are in `options`.

Every getter and setter gives `invalid-state` while the socket is `connecting` and the error that closed it when it is
`closed`. For the keep-alive values and the backlog 0 is looked at before the state, for the others after it, as in
Wasmtime.
"""

from __future__ import annotations

from wasihost.network.base import Option
from wasihost.wasi.sockets.options import Options, not_zero

_S = 1_000_000_000
_MAX_KEEP_ALIVE_S = 0x7FFF  # Linux: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL
_MAX_KEEP_ALIVE_COUNT = 0x7F  # Linux: MAX_TCP_KEEPCNT


def keep_alive_seconds(duration_ns: int) -> int:
    """A duration in the seconds that the platforms have: rounded up, 1 to 32767."""
    return min(-(-duration_ns // _S), _MAX_KEEP_ALIVE_S)


class TcpOptions(Options):
    """The last fourteen methods of `tcp-socket`, in the order of the WIT; the last four are inherited."""

    __slots__ = ()

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
