"""`error-code` of `wasi:filesystem/types`, and the one place where an error of the core becomes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar, TypeVarTuple

from wasihost._base.frozen import Frozen
from wasihost._component.values import WitError
from wasihost._wasi.common.files import code_name
from wasihost._wasi.filesystem.answers import Answer, Later

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Code(Frozen):
    """Any case of `error-code`."""

    case: ClassVar[str]


class ErrorCode:
    """WIT: `variant error-code`, one class per case."""

    class Access(Code):
        """Permission denied, similar to `EACCES` in POSIX."""

        case = "access"

    class Already(Code):
        """Connection already in progress, similar to `EALREADY` in POSIX."""

        case = "already"

    class BadDescriptor(Code):
        """Bad descriptor, similar to `EBADF` in POSIX."""

        case = "bad-descriptor"

    class Busy(Code):
        """Device or resource busy, similar to `EBUSY` in POSIX."""

        case = "busy"

    class Deadlock(Code):
        """Resource deadlock would occur, similar to `EDEADLK` in POSIX."""

        case = "deadlock"

    class Quota(Code):
        """Storage quota exceeded, similar to `EDQUOT` in POSIX."""

        case = "quota"

    class Exist(Code):
        """File exists, similar to `EEXIST` in POSIX."""

        case = "exist"

    class FileTooLarge(Code):
        """File too large, similar to `EFBIG` in POSIX."""

        case = "file-too-large"

    class IllegalByteSequence(Code):
        """Illegal byte sequence, similar to `EILSEQ` in POSIX."""

        case = "illegal-byte-sequence"

    class InProgress(Code):
        """Operation in progress, similar to `EINPROGRESS` in POSIX."""

        case = "in-progress"

    class Interrupted(Code):
        """Interrupted function, similar to `EINTR` in POSIX."""

        case = "interrupted"

    class Invalid(Code):
        """Invalid argument, similar to `EINVAL` in POSIX."""

        case = "invalid"

    class Io(Code):
        """I/O error, similar to `EIO` in POSIX."""

        case = "io"

    class IsDirectory(Code):
        """Is a directory, similar to `EISDIR` in POSIX."""

        case = "is-directory"

    class Loop(Code):
        """Too many levels of symbolic links, similar to `ELOOP` in POSIX."""

        case = "loop"

    class TooManyLinks(Code):
        """Too many links, similar to `EMLINK` in POSIX."""

        case = "too-many-links"

    class MessageSize(Code):
        """Message too large, similar to `EMSGSIZE` in POSIX."""

        case = "message-size"

    class NameTooLong(Code):
        """Filename too long, similar to `ENAMETOOLONG` in POSIX."""

        case = "name-too-long"

    class NoDevice(Code):
        """No such device, similar to `ENODEV` in POSIX."""

        case = "no-device"

    class NoEntry(Code):
        """No such file or directory, similar to `ENOENT` in POSIX."""

        case = "no-entry"

    class NoLock(Code):
        """No locks available, similar to `ENOLCK` in POSIX."""

        case = "no-lock"

    class InsufficientMemory(Code):
        """Not enough space, similar to `ENOMEM` in POSIX."""

        case = "insufficient-memory"

    class InsufficientSpace(Code):
        """No space left on device, similar to `ENOSPC` in POSIX."""

        case = "insufficient-space"

    class NotDirectory(Code):
        """Not a directory or a symbolic link to a directory, similar to `ENOTDIR` in POSIX."""

        case = "not-directory"

    class NotEmpty(Code):
        """Directory not empty, similar to `ENOTEMPTY` in POSIX."""

        case = "not-empty"

    class NotRecoverable(Code):
        """State not recoverable, similar to `ENOTRECOVERABLE` in POSIX."""

        case = "not-recoverable"

    class Unsupported(Code):
        """Not supported, similar to `ENOTSUP` and `ENOSYS` in POSIX."""

        case = "unsupported"

    class NoTty(Code):
        """Inappropriate I/O control operation, similar to `ENOTTY` in POSIX."""

        case = "no-tty"

    class NoSuchDevice(Code):
        """No such device or address, similar to `ENXIO` in POSIX."""

        case = "no-such-device"

    class Overflow(Code):
        """Value too large to be stored in data type, similar to `EOVERFLOW` in POSIX."""

        case = "overflow"

    class NotPermitted(Code):
        """Operation not permitted, similar to `EPERM` in POSIX."""

        case = "not-permitted"

    class Pipe(Code):
        """Broken pipe, similar to `EPIPE` in POSIX."""

        case = "pipe"

    class ReadOnly(Code):
        """Read-only file system, similar to `EROFS` in POSIX."""

        case = "read-only"

    class InvalidSeek(Code):
        """Invalid seek, similar to `ESPIPE` in POSIX."""

        case = "invalid-seek"

    class TextFileBusy(Code):
        """Text file busy, similar to `ETXTBSY` in POSIX."""

        case = "text-file-busy"

    class CrossDevice(Code):
        """Cross-device link, similar to `EXDEV` in POSIX."""

        case = "cross-device"

    class Other(Code):
        """A catch-all for errors that have no case; not used."""

        case = "other"
        value: str | None


_CODES = {cls.case: cls() for cls in Code.__subclasses__() if cls is not ErrorCode.Other}


def error_code(error: OSError) -> Code:
    """The `error-code` that a failed system call means to the guest; 0.3 has none for EAGAIN."""
    return _CODES.get(code_name(error), _CODES["io"])


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
