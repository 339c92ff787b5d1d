"""`error-code`, and the one place where the failure of a core becomes one."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar, TypeVarTuple

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._wasi.common.errors import code_name
from wasihost._wasi.failures import Cause, Failure
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


INVALID_STATE = ErrorCode.InvalidState()

_CODES: dict[str, Code] = {cls.case: cls() for cls in Code.__subclasses__() if cls is not ErrorCode.Other}


def error_code(cause: Cause) -> Code:
    """The `error-code` that a failure means to the guest."""
    if code := _CODES.get(code_name(cause) or ""):
        return code
    assert isinstance(cause, OSError)  # every reason has a code
    return ErrorCode.Other(str(cause) or None if cause.errno is None else os.strerror(cause.errno))


def wit_error(error: Failure | Refused) -> WitError:
    """The exception of a provider method if a core failed."""
    return WitError(error_code(error.cause if isinstance(error, Failure) else error))


def attempt(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """The result of a call of a core; its failure becomes an error-code."""
    try:
        return call(*args)
    except (Failure, Refused) as error:
        raise wit_error(error) from error


async def awaited(found: T | Awaitable[T]) -> T:
    """The same for a result that may take time."""
    try:
        return await found if isinstance(found, Awaitable) else found
    except (Failure, Refused) as error:
        raise wit_error(error) from error
