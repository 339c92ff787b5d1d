"""The options that only a `tcp-socket` has; the others are in `options`.

Every getter and setter gives `invalid-state` while a connect is in progress, and the error that closed the socket when
it is closed.
"""

from __future__ import annotations

from wasihost._base.clock import NS_PER_S
from wasihost._network.base import Option
from wasihost._wasi.p2.sockets.options import Options
from wasihost._wasi.sockets.options import whole_seconds


class TcpOptions(Options):
    """Fourteen methods of `tcp-socket`, in the order of the WIT; the last four are inherited."""

    def keep_alive_enabled(self) -> bool:
        """WIT: `keep-alive-enabled: func() -> result<bool, error-code>`; SO_KEEPALIVE, socket(7)."""
        return bool(self._get(Option.KEEP_ALIVE))

    def set_keep_alive_enabled(self, value: bool) -> None:
        """WIT: `set-keep-alive-enabled: func(value: bool) -> result<_, error-code>`."""
        self._set(Option.KEEP_ALIVE, int(value))

    def keep_alive_idle_time(self) -> int:
        """WIT: `keep-alive-idle-time: func() -> result<duration, error-code>`.

        Nanoseconds; whole seconds. TCP_KEEPIDLE, tcp(7); TCP_KEEPALIVE on macOS.
        """
        return self._get(Option.KEEP_ALIVE_IDLE_S) * NS_PER_S

    def set_keep_alive_idle_time(self, value: int) -> None:
        """WIT: `set-keep-alive-idle-time: func(value: duration) -> result<_, error-code>`.

        Nanoseconds; rounded up to whole seconds, at most 32767.
        - `invalid-argument`: the value is 0.
        """
        self._set(Option.KEEP_ALIVE_IDLE_S, whole_seconds(value))

    def keep_alive_interval(self) -> int:
        """WIT: `keep-alive-interval: func() -> result<duration, error-code>`.

        Nanoseconds; whole seconds. TCP_KEEPINTVL, tcp(7).
        """
        return self._get(Option.KEEP_ALIVE_INTERVAL_S) * NS_PER_S

    def set_keep_alive_interval(self, value: int) -> None:
        """WIT: `set-keep-alive-interval: func(value: duration) -> result<_, error-code>`.

        Nanoseconds; rounded up to whole seconds, at most 32767.
        - `invalid-argument`: the value is 0.
        """
        self._set(Option.KEEP_ALIVE_INTERVAL_S, whole_seconds(value))

    def keep_alive_count(self) -> int:
        """WIT: `keep-alive-count: func() -> result<u32, error-code>`; packets. TCP_KEEPCNT, tcp(7)."""
        return self._get(Option.KEEP_ALIVE_COUNT)

    def set_keep_alive_count(self, value: int) -> None:
        """WIT: `set-keep-alive-count: func(value: u32) -> result<_, error-code>`.

        Packets; at most 127.
        - `invalid-argument`: the value is 0.
        """
        self._set(Option.KEEP_ALIVE_COUNT, value)

    def hop_limit(self) -> int:
        """WIT: `hop-limit: func() -> result<u8, error-code>`; IP_TTL, ip(7); IPV6_UNICAST_HOPS, ipv6(7)."""
        return self._get(Option.HOP_LIMIT)

    def set_hop_limit(self, value: int) -> None:
        """WIT: `set-hop-limit: func(value: u8) -> result<_, error-code>`.

        - `invalid-argument`: the value is 0.
        """
        self._set(Option.HOP_LIMIT, value)
