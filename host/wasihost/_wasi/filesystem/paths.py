"""The syntax of a guest's paths; no system call is made here."""

from __future__ import annotations

import errno
import os
from typing import Final

from wasihost._network.base import os_error

LONGEST: Final = 4095
"""Bytes of a path: PATH_MAX of Linux, without the NUL."""
_SLASH: Final = ord("/")


class EscapeError(PermissionError):
    """A path leads out of its base directory: EPERM. A class of its own, so that it can be reported."""

    def __init__(self) -> None:
        super().__init__(errno.EPERM, os.strerror(errno.EPERM))


def checked(path: str) -> bytes:
    """The path as the host has it.

    Errors: ENOENT if it is empty, EINVAL with a NUL, ENAMETOOLONG, EscapeError if it is absolute.
    """
    if not path:
        raise os_error(errno.ENOENT)
    name = link_text(path)
    if path[0] == "/":
        raise EscapeError
    if len(name) > LONGEST:
        raise os_error(errno.ENAMETOOLONG)
    return name


def link_text(text: str) -> bytes:
    """The content of a symbolic link. Errors: EINVAL with a NUL."""
    if "\0" in text:
        raise os_error(errno.EINVAL)
    return from_python(text)


def to_python(name: bytes) -> str:
    """A name as Python code gets it, whatever the locale: a byte that is not UTF-8 is a surrogate."""
    return name.decode(errors="surrogateescape")


def from_python(name: str) -> bytes:
    """The name that `to_python` made a string of. Guests send no surrogates."""
    return name.encode(errors="surrogateescape")


def text(name: bytes) -> str:
    """The text of a name or link of the host, for a guest. Errors: EILSEQ if it is not UTF-8."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise os_error(errno.EILSEQ) from None


def is_text(name: str) -> bool:
    """Whether a name that Python code has, or several joined, is UTF-8, so that guests can have it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_directory_by_name(path: bytes) -> bool:
    """Whether a path says by itself that it is of a directory: it ends with `/`, `.` or `..`."""
    return path.rpartition(b"/")[2] in (b"", b".", b"..")


def split(path: bytes) -> tuple[bytes, bytes]:
    """The path of the parent, empty for the base, and the name in it: `.` if the path is of a directory by its name."""
    if path == b".":
        return b"", b"."
    if is_directory_by_name(path):
        return path, b"."
    parent, slash, name = path.rpartition(b"/")
    return parent + slash, name


def components(path: bytes) -> list[bytes]:
    """The steps of a path, of which the last is `.` where only that says that it must be a directory."""
    if _SLASH not in path:  # `b"/" in path` takes six times as long
        return [path]
    steps = [step for step in path.split(b"/") if step not in (b"", b".")]
    return [*steps, b"."] if is_directory_by_name(path) else steps
