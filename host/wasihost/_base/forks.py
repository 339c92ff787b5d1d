"""Forks: the child has none of its parent's threads, and can use no object that needs them.

An object that belongs to the process that made it keeps the `count()` of then, which `check` compares with that of now.
"""

from __future__ import annotations

import os
import threading

from wasihost._base.errors import ForkError

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
    """Raises ForkError with this message if `made`, an earlier `count()`, is that of another process."""
    if made != _count:
        raise ForkError(message)


def lock() -> threading.RLock:
    """A lock that no other thread holds during a fork, so that the child finds it free. It is never freed."""
    made = threading.RLock()
    os.register_at_fork(before=made.acquire, after_in_parent=made.release, after_in_child=made.release)
    return made
