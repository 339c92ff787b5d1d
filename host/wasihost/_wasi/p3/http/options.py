"""The resource `request-options` of `wasi:http/types`."""

from __future__ import annotations

from typing import ClassVar

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._http import messages
from wasihost._wasi.common.http import seconds


class RequestOptionsError:
    """WIT: `variant request-options-error`."""

    class NotSupported(Frozen):
        """The host has no such time-out, which does not happen here."""

        case: ClassVar[str] = "not-supported"

    class Immutable(Frozen):
        """The options belong to a request."""

        case: ClassVar[str] = "immutable"

    class Other(Frozen):
        """Anything else, which does not happen here."""

        case: ClassVar[str] = "other"
        value: str | None


class RequestOptions:
    """WIT: `resource request-options`; times in nanoseconds, none by default.

    A setter gives `immutable` once the options belong to a request.
    """

    __slots__ = ("_between_bytes_ns", "_connect_ns", "_first_byte_ns", "_is_mutable")

    def __init__(self, provider: object) -> None:
        """WIT: `constructor()`."""
        self._connect_ns: int | None = None
        self._first_byte_ns: int | None = None
        self._between_bytes_ns: int | None = None
        self._is_mutable = True

    def get_connect_timeout(self) -> int | None:
        """WIT: `get-connect-timeout: func() -> option<duration>`."""
        return self._connect_ns

    def set_connect_timeout(self, duration: int | None) -> None:
        """WIT: `set-connect-timeout: func(duration: option<duration>) -> result<_, request-options-error>`.

        For name lookup, TCP and TLS together.
        """
        self._check()
        self._connect_ns = duration

    def get_first_byte_timeout(self) -> int | None:
        """WIT: `get-first-byte-timeout: func() -> option<duration>`."""
        return self._first_byte_ns

    def set_first_byte_timeout(self, duration: int | None) -> None:
        """WIT: `set-first-byte-timeout: func(duration: option<duration>) -> result<_, request-options-error>`.

        For the head of the response, from when there is a connection.
        """
        self._check()
        self._first_byte_ns = duration

    def get_between_bytes_timeout(self) -> int | None:
        """WIT: `get-between-bytes-timeout: func() -> option<duration>`."""
        return self._between_bytes_ns

    def set_between_bytes_timeout(self, duration: int | None) -> None:
        """WIT: `set-between-bytes-timeout: func(duration: option<duration>) -> result<_, request-options-error>`.

        For each gap in the body of the response.
        """
        self._check()
        self._between_bytes_ns = duration

    def clone(self) -> RequestOptions:
        """WIT: `clone: func() -> request-options`; mutable."""
        copy = RequestOptions(None)
        copy._connect_ns = self._connect_ns
        copy._first_byte_ns = self._first_byte_ns
        copy._between_bytes_ns = self._between_bytes_ns
        return copy

    # ---- below the WIT

    def freeze(self) -> None:
        """They belong to a request from now on."""
        self._is_mutable = False

    def core(self) -> messages.RequestOptions:
        """As the core has them."""
        return messages.RequestOptions(
            connect_timeout_s=seconds(self._connect_ns),
            first_byte_timeout_s=seconds(self._first_byte_ns),
            between_bytes_timeout_s=seconds(self._between_bytes_ns),
        )

    def _check(self) -> None:
        if not self._is_mutable:
            raise WitError(RequestOptionsError.Immutable())
