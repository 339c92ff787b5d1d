"""`error-code`, and the one place where the failure of a core becomes one.

The table follows the "POSIX equivalent" lines of `error-code` in the WIT, and where a function's own list says more
(EISCONN and ENOTCONN are `invalid-state`), that list.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar, TypeVarTuple

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._wasi.failures import Failure, Reason
from wasihost._wasi.sockets.access import Refused

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Code(Frozen):
    """Any case of `error-code`."""

    case: ClassVar[str]


class ErrorCode:
    """WIT: `variant error-code`, one class per case."""

    class AccessDenied(Code):
        """A policy or the operating system does not allow it."""

        case = "access-denied"

    class NotSupported(Code):
        """The operation is not supported."""

        case = "not-supported"

    class InvalidArgument(Code):
        """One of the arguments is invalid."""

        case = "invalid-argument"

    class OutOfMemory(Code):
        """Not enough memory to complete the operation."""

        case = "out-of-memory"

    class Timeout(Code):
        """The operation timed out before it could finish completely."""

        case = "timeout"

    class InvalidState(Code):
        """The operation is not valid in the socket's current state."""

        case = "invalid-state"

    class AddressNotBindable(Code):
        """The local address is not available."""

        case = "address-not-bindable"

    class AddressInUse(Code):
        """The address is already in use, or there are no ephemeral ports available."""

        case = "address-in-use"

    class RemoteUnreachable(Code):
        """The remote address is not reachable."""

        case = "remote-unreachable"

    class ConnectionRefused(Code):
        """The connection was forcefully rejected."""

        case = "connection-refused"

    class ConnectionBroken(Code):
        """A write failed because the connection was broken."""

        case = "connection-broken"

    class ConnectionReset(Code):
        """The connection was reset."""

        case = "connection-reset"

    class ConnectionAborted(Code):
        """The connection was aborted."""

        case = "connection-aborted"

    class DatagramTooLarge(Code):
        """The datagram exceeds the maximum supported size."""

        case = "datagram-too-large"

    class Other(Code):
        """Anything else, in the words of the operating system where there are any."""

        case = "other"
        value: str | None


INVALID_ARGUMENT = ErrorCode.InvalidArgument()
INVALID_STATE = ErrorCode.InvalidState()

_REASONS: dict[Reason, Code] = {
    Reason.INVALID_ARGUMENT: INVALID_ARGUMENT,
    Reason.INVALID_STATE: INVALID_STATE,
    Reason.NOT_SUPPORTED: ErrorCode.NotSupported(),
}
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


def wit_error(error: Failure | Refused) -> WitError:
    """What a provider method raises where a core failed."""
    cause = error.cause if isinstance(error, Failure) else error
    return WitError(_REASONS[cause] if isinstance(cause, Reason) else error_code(cause))


def attempt(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """What a call of a core gives; its failure becomes an error-code."""
    try:
        return call(*args)
    except (Failure, Refused) as error:
        raise wit_error(error) from error


async def awaited(found: T | Awaitable[T]) -> T:
    """The same for what a core gives that may take time."""
    try:
        return await found if isinstance(found, Awaitable) else found
    except (Failure, Refused) as error:
        raise wit_error(error) from error
