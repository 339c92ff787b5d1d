"""`error-code` of `wasi:sockets/network`, and the one place where the failure of a core becomes one.

The table follows the "POSIX equivalent" lines of the WIT. What 0.2 has no word for is `unknown`.
"""

from __future__ import annotations

import enum
import errno
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

from wasihost._component.values import WitError
from wasihost._wasi.failures import Cause, Failure, Reason
from wasihost._wasi.sockets.access import Refused

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class ErrorCode(enum.Enum):
    """WIT: `enum error-code`."""

    UNKNOWN = "unknown"
    ACCESS_DENIED = "access-denied"
    NOT_SUPPORTED = "not-supported"
    INVALID_ARGUMENT = "invalid-argument"
    OUT_OF_MEMORY = "out-of-memory"
    TIMEOUT = "timeout"
    CONCURRENCY_CONFLICT = "concurrency-conflict"
    NOT_IN_PROGRESS = "not-in-progress"
    WOULD_BLOCK = "would-block"
    INVALID_STATE = "invalid-state"
    NEW_SOCKET_LIMIT = "new-socket-limit"
    ADDRESS_NOT_BINDABLE = "address-not-bindable"
    ADDRESS_IN_USE = "address-in-use"
    REMOTE_UNREACHABLE = "remote-unreachable"
    CONNECTION_REFUSED = "connection-refused"
    CONNECTION_RESET = "connection-reset"
    CONNECTION_ABORTED = "connection-aborted"
    DATAGRAM_TOO_LARGE = "datagram-too-large"
    NAME_UNRESOLVABLE = "name-unresolvable"
    TEMPORARY_RESOLVER_FAILURE = "temporary-resolver-failure"
    PERMANENT_RESOLVER_FAILURE = "permanent-resolver-failure"


_REASONS = {
    Reason.INVALID_ARGUMENT: ErrorCode.INVALID_ARGUMENT,
    Reason.INVALID_STATE: ErrorCode.INVALID_STATE,
    Reason.NOT_SUPPORTED: ErrorCode.NOT_SUPPORTED,
}
_NAMES = {
    ErrorCode.ACCESS_DENIED: "EACCES EPERM",
    ErrorCode.NOT_SUPPORTED: "EOPNOTSUPP ENOPROTOOPT EPFNOSUPPORT EPROTONOSUPPORT EPROTOTYPE ESOCKTNOSUPPORT",
    ErrorCode.INVALID_ARGUMENT: "EINVAL EDESTADDRREQ EAFNOSUPPORT",
    ErrorCode.OUT_OF_MEMORY: "ENOMEM ENOBUFS",
    ErrorCode.TIMEOUT: "ETIMEDOUT",
    ErrorCode.INVALID_STATE: "EISCONN ENOTCONN EALREADY",
    ErrorCode.NEW_SOCKET_LIMIT: "EMFILE ENFILE",
    ErrorCode.ADDRESS_NOT_BINDABLE: "EADDRNOTAVAIL",
    ErrorCode.ADDRESS_IN_USE: "EADDRINUSE",
    ErrorCode.REMOTE_UNREACHABLE: "EHOSTUNREACH EHOSTDOWN ENETDOWN ENETUNREACH ENONET",
    ErrorCode.CONNECTION_REFUSED: "ECONNREFUSED",
    ErrorCode.CONNECTION_RESET: "ECONNRESET",
    ErrorCode.CONNECTION_ABORTED: "ECONNABORTED",
    ErrorCode.DATAGRAM_TOO_LARGE: "EMSGSIZE",
}
_CODES = {
    getattr(errno, name): code for code, names in _NAMES.items() for name in names.split() if hasattr(errno, name)
}
_RESOLVER_CODES = {
    socket.EAI_AGAIN: ErrorCode.TEMPORARY_RESOLVER_FAILURE,
    socket.EAI_FAIL: ErrorCode.PERMANENT_RESOLVER_FAILURE,
}


def error_code(cause: Cause) -> ErrorCode:
    """The `error-code` that a failure means to the guest."""
    if isinstance(cause, Reason):
        return _REASONS[cause]
    if isinstance(cause, socket.gaierror):
        return _RESOLVER_CODES.get(cause.errno or 0, ErrorCode.NAME_UNRESOLVABLE)
    return _CODES.get(cause.errno or 0, ErrorCode.UNKNOWN)


def wit_error(error: Failure | Refused) -> WitError:
    """What a provider method raises where a core failed."""
    return WitError(error_code(error.cause if isinstance(error, Failure) else error))


def attempt(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """What a call of a core gives; its failure becomes an error-code."""
    try:
        return call(*args)
    except (Failure, Refused) as error:
        raise wit_error(error) from error


async def awaited(found: Awaitable[T]) -> T:
    """The same for what a core gives that takes time."""
    try:
        return await found
    except (Failure, Refused) as error:
        raise wit_error(error) from error
