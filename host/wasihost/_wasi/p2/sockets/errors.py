"""`error-code` of `wasi:sockets/network`, and the one place where the failure of a core becomes one."""

from __future__ import annotations

import enum
import errno
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

from wasihost._component.values import WitError
from wasihost._wasi.common.errors import code_name
from wasihost._wasi.failures import Cause, Failure
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


# 0.2 has a code of its own for one that 0.3 counts among wrong states.
_OTHERS = {errno.EALREADY: ErrorCode.CONCURRENCY_CONFLICT}
_CODES = {code.value: code for code in ErrorCode}


def error_code(cause: Cause) -> ErrorCode:
    """The `error-code` that a failure means to the guest; `unknown` if 0.2 has no word for it."""
    if isinstance(cause, OSError) and cause.errno in _OTHERS:
        return _OTHERS[cause.errno]
    return _CODES.get(code_name(cause) or "", ErrorCode.UNKNOWN)


def wit_error(error: Failure | Refused) -> WitError:
    """The exception of a provider method if a core failed."""
    return WitError(error_code(error.cause if isinstance(error, Failure) else error))


def attempt(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """The result of a call of a core; its failure becomes an error-code."""
    try:
        return call(*args)
    except (Failure, Refused) as error:
        raise wit_error(error) from error


async def awaited(found: Awaitable[T]) -> T:
    """The same for a result that takes time."""
    try:
        return await found
    except (Failure, Refused) as error:
        raise wit_error(error) from error
