"""`wasi:io/error`."""

from __future__ import annotations

import enum


class Domain(enum.Enum):
    """Where an error came about: each package has a function that gives an error-code for those of its own."""

    FILES = "files and standard streams"
    NETWORK = "sockets"
    HTTP = "bodies of HTTP"


class Error:
    """WIT: `resource error`."""

    __slots__ = ("cause", "domain")

    def __init__(self, cause: OSError, domain: Domain) -> None:
        self.cause = cause
        self.domain = domain

    def to_debug_string(self) -> str:
        """WIT: `to-debug-string: func() -> string`; one line."""
        return f"{type(self.cause).__name__}: {self.cause}"


class ErrorProvider:
    """`wasi:io/error`."""

    Error = Error
