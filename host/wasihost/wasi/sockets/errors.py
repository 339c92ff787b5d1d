"""`error-code`, and the one place where an `OSError` becomes one.

The table follows the "POSIX equivalent" lines of `error-code` in the WIT, and where a function's own list says more
(EISCONN and ENOTCONN are `invalid-state`), that list.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Awaitable, Callable
from typing import ClassVar, ParamSpec, TypeVar

from wasihost.component.values import WitError
from wasihost.frozen import Frozen
from wasihost.network.base import Family
from wasihost.policy import Verdict
from wasihost.wasi.sockets.access import Refused

P = ParamSpec("P")
T = TypeVar("T")


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


def attempt(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a call of the network gives; its OSError becomes an error-code."""
    try:
        return call(*args, **kwargs)
    except OSError as error:
        raise wit_error(error) from error


async def granted(verdict: Awaitable[Verdict]) -> Verdict:
    """A verdict that is required; a refusal is `access-denied`."""
    try:
        return await verdict
    except Refused as error:
        raise WitError(ErrorCode.AccessDenied()) from error


def new_socket(make: Callable[[Family], T], family: Family) -> T:
    """A socket of the network. EAFNOSUPPORT is `not-supported` here, and nowhere else."""
    try:
        return make(family)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            raise WitError(ErrorCode.NotSupported()) from error
        raise wit_error(error) from error
