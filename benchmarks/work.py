"""What is measured: works, done by contestants, seen as metrics, with the targets of issue 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.contenders.base import Contender, Figures
from benchmarks.other_side import OtherSide

OURS = "wasihost"


@dataclass(frozen=True)
class Scale:
    """How much is done."""

    name: str
    rounds: int
    bytes: int
    """That one bulk job moves."""
    connections: int
    """Opened one after another, and accepted."""
    pings: int
    idle: tuple[int, ...]
    busy: tuple[int, ...]
    seconds: float
    """That a contestant calls for."""
    starts: int
    """Of a process."""


# 4,000 connections: less than a third of the ports that one address has, for each contestant
FULL = Scale("full", 3, 1 << 30, 4000, 4000, (10, 1000, 10_000), (100, 1000), 0.2, 9)
QUICK = Scale("quick", 1, 1 << 27, 500, 1000, (10, 1000), (100,), 0.05, 3)
TINY = Scale("tiny", 1, 1 << 16, 10, 10, (2, 12), (3,), 0.001, 1)


@dataclass(frozen=True)
class Target:
    """A bound of the ratio to a contestant, or of the value itself."""

    limit: float
    against: str | None = None
    at_least: bool = True


@dataclass(frozen=True)
class Metric:
    """One thing to see in the figures of a work; makes one row of the table."""

    title: str
    unit: str
    value: Callable[[Figures], float]
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Work:
    """What every contestant does in every round."""

    name: str
    group: str
    contestants: Mapping[str, Callable[[], Figures]]
    metrics: tuple[Metric, ...]
    rounds: int


@dataclass(frozen=True)
class Suite:
    """What works are made from."""

    scale: Scale
    other_side: OtherSide
    contenders: tuple[Contender, ...]


def at_least(limit: float, against: str | None = None) -> Target:
    return Target(limit, against)


def at_most(limit: float, against: str | None = None) -> Target:
    return Target(limit, against, at_least=False)
