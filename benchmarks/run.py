"""Runs works: the contestants take turns, round by round."""

from __future__ import annotations

import datetime
import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator

from benchmarks import machine
from benchmarks.contenders.base import Contender, Figures
from benchmarks.contenders.guests import Jco, Wasihost, WasmtimeCli
from benchmarks.contenders.plain import PlainSockets
from benchmarks.contenders.streams import AsyncioStreams
from benchmarks.other_side import OtherSide
from benchmarks.results import Results, Row
from benchmarks.rows import bulk, calls, connections, files, http, instances, jobs, startup, ticker, wasip2
from benchmarks.work import Metric, Scale, Suite, Work

ROWS = (bulk, connections, ticker, calls, wasip2, files, startup, instances, http, jobs)


def contenders(peers: bool = True) -> list[Contender]:
    """All that there are; without `peers` those that run in this process."""
    ours: list[Contender] = [Wasihost(), PlainSockets(), AsyncioStreams()]
    return [*ours, WasmtimeCli(), Jco()] if peers else ours


def works(suite: Suite, only: Iterable[str] = ()) -> Iterator[Work]:
    """The works whose names begin with one of `only`; all of them without."""
    prefixes = tuple(only)
    for module in ROWS:
        for work in module.works(suite):
            if not prefixes or work.name.startswith(prefixes):
                yield work


def names(scale: Scale) -> list[str]:
    """Those of all works."""
    with OtherSide() as other_side:
        return [work.name for work in works(Suite(scale, other_side, tuple(contenders(peers=False))))]


def run(
    scale: Scale, only: Iterable[str] = (), peers: bool = True, on_rows: Callable[[list[Row]], None] = lambda _: None
) -> Results:
    """Measures everything; tells each work's rows when they are there."""
    machine.raise_file_limit()
    begin, date = time.monotonic(), datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    every = contenders(peers)
    missing = {each.name: each.missing for each in every if each.missing}
    rows: list[Row] = []
    with OtherSide() as other_side:
        suite = Suite(scale, other_side, tuple(each for each in every if not each.missing))
        for work in works(suite, only):
            found = measure(work)
            on_rows(found)
            rows += found
    described = {**machine.describe(), **{each.name: each.version() for each in suite.contenders if each.version()}}
    return Results(scale.name, date, round(time.monotonic() - begin), described, missing, rows)


def measure(work: Work) -> list[Row]:
    """The rows of one work. A contestant that fails takes no further part, and has no figures."""
    found: dict[str, list[Figures]] = {name: [] for name in work.contestants}
    failed: set[str] = set()
    for turn in range(work.rounds):
        for name in rotated([name for name in found if name not in failed], turn):
            gc.collect()  # nobody pays for what others left
            try:
                found[name].append(work.contestants[name]())
            except Exception as error:
                print(f"{work.name}: {name} failed: {error!r}", file=sys.stderr)
                failed.add(name)
                found[name] = []
    if not any(found.values()):
        print(f"{work.name}: all contestants failed, so its rows have no figures", file=sys.stderr)
    return [
        Row(work.name, work.group, metric.title, metric.unit, values_of(metric, found), metric.targets)
        for metric in work.metrics
    ]


def values_of(metric: Metric, found: dict[str, list[Figures]]) -> dict[str, list[float]]:
    """What a metric sees in each contestant's rounds; four digits say all there is."""
    return {name: [float(f"{metric.value(each):.4g}") for each in every] for name, every in found.items()}


def rotated(names: list[str], turn: int) -> list[str]:
    """Another one begins in each round."""
    start = turn % max(1, len(names))
    return names[start:] + names[:start]
