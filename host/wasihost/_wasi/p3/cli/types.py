"""wasi:cli/types, and the one place where what went wrong becomes its error-code."""

from __future__ import annotations

import asyncio
import enum
import errno
from typing import TypeAlias

from wasihost._base.streams import Outcome
from wasihost._component.values import Err, Ok


class ErrorCode(enum.Enum):
    """`enum error-code`."""

    IO = "io"
    ILLEGAL_BYTE_SEQUENCE = "illegal-byte-sequence"
    PIPE = "pipe"


Done: TypeAlias = "asyncio.Future[Ok | Err]"  # future<result<_, error-code>>

_CODES = {errno.EILSEQ: ErrorCode.ILLEGAL_BYTE_SEQUENCE, errno.EPIPE: ErrorCode.PIPE}


def error_code(error: OSError) -> ErrorCode:
    """The error-code of a failed system call; `io` for all that have none of their own."""
    return _CODES.get(error.errno or 0, ErrorCode.IO)


def new_future() -> Done:
    """A future of the running event loop."""
    return Outcome(loop=asyncio.get_running_loop())


def settle(done: Done, error: BaseException | None) -> None:
    """Resolves the future of a stream that ended, with `error` if that is why it ended.

    What is no OSError is not the guest's affair: it is raised to whoever awaits the future.
    """
    if done.done():
        return
    if error is None:
        done.set_result(Ok())
    elif isinstance(error, OSError):
        done.set_result(Err(error_code(error)))
    else:
        done.set_exception(error)


class Types:
    """Provider of wasi:cli/types."""

    wit_types = {"error-code": ErrorCode}
