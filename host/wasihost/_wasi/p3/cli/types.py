"""wasi:cli/types, and the one place where errors become its error-code."""

from __future__ import annotations

import enum
import errno


class ErrorCode(enum.Enum):
    """`enum error-code`."""

    IO = "io"
    ILLEGAL_BYTE_SEQUENCE = "illegal-byte-sequence"
    PIPE = "pipe"


_CODES = {errno.EILSEQ: ErrorCode.ILLEGAL_BYTE_SEQUENCE, errno.EPIPE: ErrorCode.PIPE}


def error_code(error: OSError) -> ErrorCode:
    """The error-code of a failed system call; `io` for all that have none of their own."""
    return _CODES.get(error.errno or 0, ErrorCode.IO)


class Types:
    """Provider of wasi:cli/types."""

    wit_types = {"error-code": ErrorCode}
