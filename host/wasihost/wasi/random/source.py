"""Where random bytes come from: the operating system, or a seed."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeAlias

MAX_BYTES: Final = 1 << 20
"""The most that one call gives: the event loop stands still for it, a few milliseconds. Wasmtime's own host stops at
64 MiB; the WIT leaves it open."""

Source: TypeAlias = Callable[[int], bytes]
"""Gives so many bytes."""


def source(seed: int | None) -> Source:
    """The operating system's generator, getrandom(2); with a seed one that repeats itself and is not secure."""
    if seed is None:
        return os.urandom
    import random  # slow to import, and rarely needed

    return random.Random(seed).randbytes


def get_bytes(source: Source, max_len: int) -> bytes:
    """At least one byte, unless none was asked for, and at most `MAX_BYTES`."""
    return source(min(max_len, MAX_BYTES))


def get_u64(source: Source) -> int:
    """Eight bytes as a number."""
    return int.from_bytes(source(8), "little")
