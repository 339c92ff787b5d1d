"""What every contender does: the job of a guest, told by the guest's environment variables, and timed as guests do."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

PREBUILT = Path(__file__).parents[2] / "guest-fixtures" / "prebuilt"

Job: TypeAlias = Mapping[str, str | int]
"""MODE, ADDRESS and so on: see the heads of the guests `rust-tcp-client` and `rust-tcp-load`. FOLDER is /data there."""

Figures: TypeAlias = dict[str, float]
"""What the summary of a guest says: `{"bytes": 1000, "ns": 2000}`."""

OnLine: TypeAlias = Callable[[str], None]
"""Is called with each line of output as it comes."""


class Contender(ABC):
    """Somebody who does the jobs of the guests; all times are taken within, so that no start-up counts."""

    name: str
    share = 1
    """Bulk jobs are so many times smaller, for the slow ones; speeds are compared."""
    slower = 1
    """Jobs of connections and round trips likewise."""
    runs_guests = True

    missing: str | None = None
    """Why it cannot take part."""

    @abstractmethod
    def run(self, guest: str, job: Job, on_line: OnLine = lambda _: None) -> Figures:
        """Does one job; its figures."""

    def version(self) -> str:
        """What a reader must know beyond the versions of Python and its packages."""
        return ""

    def does(self, job: Job) -> bool:
        """Whether it can do the job at all."""
        return True


def figures(summary: str) -> Figures:
    """The figures of a line like `send: 1 connections, 1000 bytes, 2000 ns`, or `send bytes=1000 ns=2000`."""
    found = [(name, value) for value, name in re.findall(r"(\d+) (\w+)", summary)]
    return {name: float(value) for name, value in found + re.findall(r"(\w+)=(\d+)", summary)}


def percentile(values: list[int], percent: int) -> int:
    """The value that `percent` of all do not exceed, as the guests take it."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
