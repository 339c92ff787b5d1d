"""`error-code`, and the one place where an `OSError` becomes one.

The table follows the "POSIX equivalent" lines of `error-code` in the WIT, and where a function's own list says more
(EISCONN and ENOTCONN are `invalid-state`), that list.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import ClassVar

from wasihost.component.values import WitError


class Code:
    """Any case of `error-code`."""

    __slots__ = ()
    case: ClassVar[str]


class ErrorCode:
    """WIT: `variant error-code`, one class per case."""

    @dataclass(frozen=True, slots=True)
    class AccessDenied(Code):
        """A policy or the operating system does not allow it."""

        case = "access-denied"

    @dataclass(frozen=True, slots=True)
    class NotSupported(Code):
        """The operation is not supported."""

        case = "not-supported"

    @dataclass(frozen=True, slots=True)
    class InvalidArgument(Code):
        """One of the arguments is invalid."""

        case = "invalid-argument"

    @dataclass(frozen=True, slots=True)
    class OutOfMemory(Code):
        """Not enough memory to complete the operation."""

        case = "out-of-memory"

    @dataclass(frozen=True, slots=True)
    class Timeout(Code):
        """The operation timed out before it could finish completely."""

        case = "timeout"

    @dataclass(frozen=True, slots=True)
    class InvalidState(Code):
        """The operation is not valid in the socket's current state."""

        case = "invalid-state"

    @dataclass(frozen=True, slots=True)
    class AddressNotBindable(Code):
        """The local address is not available."""

        case = "address-not-bindable"

    @dataclass(frozen=True, slots=True)
    class AddressInUse(Code):
        """The address is already in use, or there are no ephemeral ports available."""

        case = "address-in-use"

    @dataclass(frozen=True, slots=True)
    class RemoteUnreachable(Code):
        """The remote address is not reachable."""

        case = "remote-unreachable"

    @dataclass(frozen=True, slots=True)
    class ConnectionRefused(Code):
        """The connection was forcefully rejected."""

        case = "connection-refused"

    @dataclass(frozen=True, slots=True)
    class ConnectionBroken(Code):
        """A write failed because the connection was broken."""

        case = "connection-broken"

    @dataclass(frozen=True, slots=True)
    class ConnectionReset(Code):
        """The connection was reset."""

        case = "connection-reset"

    @dataclass(frozen=True, slots=True)
    class ConnectionAborted(Code):
        """The connection was aborted."""

        case = "connection-aborted"

    @dataclass(frozen=True, slots=True)
    class DatagramTooLarge(Code):
        """The datagram exceeds the maximum supported size."""

        case = "datagram-too-large"

    @dataclass(frozen=True, slots=True)
    class Other(Code):
        """Anything else, in the words of the operating system where there are any."""

        case = "other"
        value: str | None


INVALID_ARGUMENT = ErrorCode.InvalidArgument()
INVALID_STATE = ErrorCode.InvalidState()

_NAMES: dict[Code, str] = {
    ErrorCode.AccessDenied(): "EACCES EPERM",
    ErrorCode.NotSupported(): "EOPNOTSUPP ENOPROTOOPT EPFNOSUPPORT EPROTONOSUPPORT EPROTOTYPE ESOCKTNOSUPPORT",
    INVALID_ARGUMENT: "EINVAL EDESTADDRREQ EAFNOSUPPORT",
    ErrorCode.OutOfMemory(): "ENOMEM ENOBUFS",
    ErrorCode.Timeout(): "ETIMEDOUT",
    INVALID_STATE: "EISCONN ENOTCONN EALREADY",
    ErrorCode.AddressNotBindable(): "EADDRNOTAVAIL",
    ErrorCode.AddressInUse(): "EADDRINUSE",
    ErrorCode.RemoteUnreachable(): "EHOSTUNREACH EHOSTDOWN ENETDOWN ENETUNREACH ENONET",
    ErrorCode.ConnectionRefused(): "ECONNREFUSED",
    ErrorCode.ConnectionBroken(): "EPIPE",
    ErrorCode.ConnectionReset(): "ECONNRESET",
    ErrorCode.ConnectionAborted(): "ECONNABORTED",
    ErrorCode.DatagramTooLarge(): "EMSGSIZE",
}
_CODES: dict[int, Code] = {
    getattr(errno, name): code for code, names in _NAMES.items() for name in names.split() if hasattr(errno, name)
}


def error_code(error: OSError) -> Code:
    """The `error-code` that a failed system call means to the guest."""
    if error.errno is None:
        return ErrorCode.Other(str(error) or None)
    return _CODES.get(error.errno) or ErrorCode.Other(os.strerror(error.errno))


def wit_error(error: OSError) -> WitError:
    """What a provider method raises for a failed system call."""
    return WitError(error_code(error))
