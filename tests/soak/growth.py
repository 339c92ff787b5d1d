"""What a soak looks at: memory, open files, tasks, and what Wasmtime and the resource tables hold of ours."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from typing import NamedTuple

from tests.guests.harness import CountedTable, open_fds, resident_bytes
from tests.hostile.harness import held

MAX_GROWTH = 16 << 20
"""Bytes of the resident set: allocators keep what they once had, up to 6 MiB here, but not more and more."""


class State(NamedTuple):
    """At one point of a soak."""

    resident: int
    files: int
    tasks: int
    memories: int
    callbacks: int
    resources: int

    def since(self, before: State) -> str:
        """The difference, in words."""
        counts = (f"{self[at]} {self._fields[at]}" for at in range(1, len(self)))
        return ", ".join([f"{(self.resident - before.resident) / 2**20:+.1f} MiB", *counts])

    def is_flat(self, before: State) -> bool:
        """Whether nothing has grown."""
        return self.resident - before.resident <= MAX_GROWTH and self[1:] == before[1:]


def state(tables: Sequence[CountedTable] = ()) -> State:
    """What there is now."""
    gc.collect()
    try:
        tasks = len(asyncio.all_tasks())
    except RuntimeError:  # no event loop runs, and so no task
        tasks = 0
    return State(resident_bytes(), len(open_fds()), tasks, *held(), sum(map(len, tables)))
