"""`wasi:io/error`."""

from __future__ import annotations


class Error:
    """WIT: `resource error`."""

    __slots__ = ("cause",)

    def __init__(self, cause: OSError) -> None:
        self.cause = cause

    def to_debug_string(self) -> str:
        """WIT: `to-debug-string: func() -> string`; one line."""
        return f"{type(self.cause).__name__}: {self.cause}"


class ErrorProvider:
    """`wasi:io/error`."""

    Error = Error
