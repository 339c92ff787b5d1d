"""What a run costs: counted as it goes, told at its end."""

from __future__ import annotations

import time
from collections import Counter

from wasihost._base.quoting import line


class Stats:
    """The figures of one instance, from its making to its close.

    `calls` counts by WIT path what the guest called and what was called of it. Calls and times are counted only
    `in_full`, since counting would double the price of a direct call.
    """

    def __init__(self, *, in_full: bool = False) -> None:
        self.bytes_to_guest = 0
        """Bytes of streams that went into the guest, `stream<u8>` only."""
        self.bytes_from_guest = 0
        self.turns = 0
        """How often the adapter component called Python to move streams and calls on."""
        self.polls = 0
        """How often Python gave the guest control."""
        self.calls: Counter[str] | None = Counter() if in_full else None
        self.wall_s = 0.0
        self.cpu_s = 0.0
        """CPU time of the whole process meanwhile, user and system."""
        self.fuel: int | None = None
        """What the guest has used of `Limits.fuel`, if it has such a limit."""
        self._started = (time.perf_counter(), time.process_time()) if in_full else None

    def end(self) -> None:
        """The run has ended."""
        if self._started is None:
            return
        wall, cpu = self._started
        self.wall_s = time.perf_counter() - wall
        self.cpu_s = time.process_time() - cpu

    def __str__(self) -> str:
        calls = self.calls or Counter[str]()
        lines = [
            f"time   {self.wall_s:.3f} s wall, {self.cpu_s:.3f} s CPU",
            f"bytes  {self.bytes_to_guest:,} to the guest, {self.bytes_from_guest:,} from it",
            f"turns  {self.turns:,}, in {self.polls:,} polls",
            f"calls  {calls.total():,}",
            *(line(f"{count:9,}  {path}") for path, count in calls.most_common()),
        ]
        if self.fuel is not None:
            lines.insert(1, f"fuel   {self.fuel:,}")
        return "\n".join(lines)
