"""Forks: the child of one has none of its parent's threads, and so nothing that needs them.

What belongs to the process that made it keeps `count()` of that moment, and `check` compares it with the present one.
"""

from __future__ import annotations

import os
import threading

from wasihost.errors import ForkError

INSTANCE = "this instance was opened in the process that this one was forked from: open one in this process"

_count = 0


def _in_child() -> None:
    global _count
    _count += 1


os.register_at_fork(after_in_child=_in_child)


def count() -> int:
    """The number of forks that led to this process, since the first one that imported wasihost."""
    return _count


def check(made: int, message: str) -> None:
    """Raises ForkError with this message, if `made`, an earlier `count()`, is that of another process."""
    if made != _count:
        raise ForkError(message)


def lock() -> threading.RLock:
    """A lock that is free in the child of a fork, which waits until no other thread holds it. It stays for ever."""
    made = threading.RLock()
    os.register_at_fork(before=made.acquire, after_in_parent=made.release, after_in_child=made.release)
    return made
