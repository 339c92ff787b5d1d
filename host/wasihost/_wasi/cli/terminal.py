"""Whether a person is at the other end of a standard stream."""

from __future__ import annotations

import os


def is_terminal(target: object) -> bool:
    """Whether a file descriptor or file object is a terminal; no other object is."""
    if isinstance(target, int):
        return os.isatty(target)
    isatty = getattr(target, "isatty", None)
    return callable(isatty) and bool(isatty())
