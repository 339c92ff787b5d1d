"""The resource `request-options` of `wasi:http/types`."""

from __future__ import annotations

from wasihost._http import messages
from wasihost._wasi.common.http import seconds


class RequestOptions:
    """WIT: `resource request-options`; times in nanoseconds, none by default. All are supported."""

    __slots__ = ("_between_bytes_ns", "_connect_ns", "_first_byte_ns")

    def __init__(self, provider: object) -> None:
        """WIT: `constructor()`."""
        self._connect_ns: int | None = None
        self._first_byte_ns: int | None = None
        self._between_bytes_ns: int | None = None

    def connect_timeout(self) -> int | None:
        """WIT: `connect-timeout: func() -> option<duration>`."""
        return self._connect_ns

    def set_connect_timeout(self, duration: int | None) -> None:
        """WIT: `set-connect-timeout: func(duration: option<duration>) -> result`; for name lookup, TCP and TLS."""
        self._connect_ns = duration

    def first_byte_timeout(self) -> int | None:
        """WIT: `first-byte-timeout: func() -> option<duration>`."""
        return self._first_byte_ns

    def set_first_byte_timeout(self, duration: int | None) -> None:
        """WIT: `set-first-byte-timeout: func(duration: option<duration>) -> result`.

        For the head of the response, from when there is a connection.
        """
        self._first_byte_ns = duration

    def between_bytes_timeout(self) -> int | None:
        """WIT: `between-bytes-timeout: func() -> option<duration>`."""
        return self._between_bytes_ns

    def set_between_bytes_timeout(self, duration: int | None) -> None:
        """WIT: `set-between-bytes-timeout: func(duration: option<duration>) -> result`.

        For each gap in the body of the response.
        """
        self._between_bytes_ns = duration

    # ---- below the WIT

    def core(self) -> messages.RequestOptions:
        """As the core has them."""
        return messages.RequestOptions(
            connect_timeout_s=seconds(self._connect_ns),
            first_byte_timeout_s=seconds(self._first_byte_ns),
            between_bytes_timeout_s=seconds(self._between_bytes_ns),
        )
