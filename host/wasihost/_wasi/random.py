"""Random bytes for one guest: from the operating system, or repeatable ones from a seed."""

from __future__ import annotations

import os
from collections.abc import Callable


class Random:
    """The random numbers of one guest: getrandom(2), or with a seed a generator that repeats itself and is not secure.

    `insecure_seed` is for the hash maps of the guest, and the same for as long as the guest runs.
    """

    def __init__(self, seed: int | None) -> None:
        self.bytes = _source(seed)
        self.insecure_seed = self.u64(), self.u64()

    def u64(self) -> int:
        """Eight bytes as a number."""
        return int.from_bytes(self.bytes(8), "little")


def _source(seed: int | None) -> Callable[[int], bytes]:
    """A function that gives as many bytes as it is asked for."""
    if seed is None:
        return os.urandom
    import random  # slow to import, and rarely needed

    return random.Random(seed).randbytes
