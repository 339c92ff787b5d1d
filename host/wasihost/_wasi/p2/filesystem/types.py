"""`wasi:filesystem/types`, as far as a guest without files can come: to the errors of its standard streams."""

from __future__ import annotations

import enum
import errno

from wasihost._component.values import Uninhabited
from wasihost._wasi.p2.io.error import Domain, Error


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


# The "similar to" lines of the WIT.
_NAMES = (
    "EACCES EAGAIN EALREADY EBADF EBUSY EDEADLK EDQUOT EEXIST EFBIG EILSEQ EINPROGRESS EINTR EINVAL EIO EISDIR ELOOP "
    "EMLINK EMSGSIZE ENAMETOOLONG ENODEV ENOENT ENOLCK ENOMEM ENOSPC ENOTDIR ENOTEMPTY ENOTRECOVERABLE ENOTSUP ENOTTY "
    "ENXIO EOVERFLOW EPERM EPIPE EROFS ESPIPE ETXTBSY EXDEV"
).split()
_CODES = {getattr(errno, name): code for name, code in zip(_NAMES, ErrorCode, strict=True) if hasattr(errno, name)}


class Descriptor(Uninhabited):
    """WIT: `resource descriptor`; a guest without files has none."""


class DirectoryEntryStream(Uninhabited):
    """WIT: `resource directory-entry-stream`; a guest without files has none."""


class Types:
    """Provider of wasi:filesystem/types."""

    Descriptor = Descriptor
    DirectoryEntryStream = DirectoryEntryStream

    wit_types = {"error-code": ErrorCode}

    def filesystem_error_code(self, err: Error) -> ErrorCode | None:
        """WIT: `filesystem-error-code: func(err: borrow<error>) -> option<error-code>`.

        None for an error that is no file's and no standard stream's.
        """
        if err.domain is not Domain.FILES:
            return None
        return _CODES.get(err.cause.errno or 0, ErrorCode.IO)
