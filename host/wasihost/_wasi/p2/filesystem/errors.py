"""`error-code` of `wasi:filesystem/types`, and the one place where an error of the core becomes one."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from wasihost._component.values import WitError
from wasihost._wasi.common.files import code_name
from wasihost._wasi.filesystem.answers import Answer, Later

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class ErrorCode(enum.Enum):
    """WIT: `enum error-code`."""

    ACCESS = "access"
    WOULD_BLOCK = "would-block"
    ALREADY = "already"
    BAD_DESCRIPTOR = "bad-descriptor"
    BUSY = "busy"
    DEADLOCK = "deadlock"
    QUOTA = "quota"
    EXIST = "exist"
    FILE_TOO_LARGE = "file-too-large"
    ILLEGAL_BYTE_SEQUENCE = "illegal-byte-sequence"
    IN_PROGRESS = "in-progress"
    INTERRUPTED = "interrupted"
    INVALID = "invalid"
    IO = "io"
    IS_DIRECTORY = "is-directory"
    LOOP = "loop"
    TOO_MANY_LINKS = "too-many-links"
    MESSAGE_SIZE = "message-size"
    NAME_TOO_LONG = "name-too-long"
    NO_DEVICE = "no-device"
    NO_ENTRY = "no-entry"
    NO_LOCK = "no-lock"
    INSUFFICIENT_MEMORY = "insufficient-memory"
    INSUFFICIENT_SPACE = "insufficient-space"
    NOT_DIRECTORY = "not-directory"
    NOT_EMPTY = "not-empty"
    NOT_RECOVERABLE = "not-recoverable"
    UNSUPPORTED = "unsupported"
    NO_TTY = "no-tty"
    NO_SUCH_DEVICE = "no-such-device"
    OVERFLOW = "overflow"
    NOT_PERMITTED = "not-permitted"
    PIPE = "pipe"
    READ_ONLY = "read-only"
    INVALID_SEEK = "invalid-seek"
    TEXT_FILE_BUSY = "text-file-busy"
    CROSS_DEVICE = "cross-device"


def error_code(error: OSError) -> ErrorCode:
    """The `error-code` that a failed system call means to the guest."""
    return ErrorCode(code_name(error))


def attempt(call: Callable[[*Ts], T], *args: *Ts) -> T:
    """The result of a call of a core; its OSError becomes an error-code."""
    try:
        return call(*args)
    except OSError as error:
        raise _wit_error(error) from error


def ask(call: Callable[[*Ts], Answer[T]], *args: *Ts) -> Answer[T]:
    """The same for an answer that may take time."""
    try:
        answer = call(*args)
    except OSError as error:
        raise _wit_error(error) from error
    return answer.failing(OSError, _wit_error) if isinstance(answer, Later) else answer


def _wit_error(error: OSError) -> WitError:
    return WitError(error_code(error))
