"""The common part of `wasi:filesystem` 0.2 and 0.3."""

from __future__ import annotations

import errno
from typing import Final, NamedTuple

from wasihost._base.errnos import by_number

# The "similar to" lines of `error-code`.
_NAMES = {
    "access": "EACCES",
    "would-block": "EAGAIN",
    "already": "EALREADY",
    "bad-descriptor": "EBADF",
    "busy": "EBUSY",
    "deadlock": "EDEADLK",
    "quota": "EDQUOT",
    "exist": "EEXIST",
    "file-too-large": "EFBIG",
    "illegal-byte-sequence": "EILSEQ",
    "in-progress": "EINPROGRESS",
    "interrupted": "EINTR",
    "invalid": "EINVAL",
    "io": "EIO",
    "is-directory": "EISDIR",
    "loop": "ELOOP",
    "too-many-links": "EMLINK",
    "message-size": "EMSGSIZE",
    "name-too-long": "ENAMETOOLONG",
    "no-device": "ENODEV",
    "no-entry": "ENOENT",
    "no-lock": "ENOLCK",
    "insufficient-memory": "ENOMEM",
    "insufficient-space": "ENOSPC",
    "not-directory": "ENOTDIR",
    "not-empty": "ENOTEMPTY",
    "not-recoverable": "ENOTRECOVERABLE",
    "unsupported": "ENOTSUP EOPNOTSUPP ENOSYS",
    "no-tty": "ENOTTY",
    "no-such-device": "ENXIO",
    "overflow": "EOVERFLOW",
    "not-permitted": "EPERM",
    "pipe": "EPIPE",
    "read-only": "EROFS",
    "invalid-seek": "ESPIPE",
    "text-file-busy": "ETXTBSY",
    "cross-device": "EXDEV",
}
CODES: Final = by_number(_NAMES, errno)
"""The WIT name of the error-code of an errno; `io` for any other."""
_BY_CLASS = (
    (FileNotFoundError, "no-entry"),
    (FileExistsError, "exist"),
    (IsADirectoryError, "is-directory"),
    (NotADirectoryError, "not-directory"),
    (PermissionError, "access"),
)


def code_name(error: OSError) -> str:
    """The WIT name of the error-code of a failure; Python code may raise one of a class that says it, without errno."""
    if error.errno is None:
        return next((name for cls, name in _BY_CLASS if isinstance(error, cls)), "io")
    return CODES.get(error.errno, "io")


class MetadataHashValue(NamedTuple):
    """WIT: `record metadata-hash-value`."""

    lower: int
    upper: int
