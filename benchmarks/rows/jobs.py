"""Jobs on the engines that are installed, beside a plain task of the same engine; tables beside a call for each row.

What tasks cost is the CPU time of all processes of an engine: how long they take depends on how many cores are idle.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from benchmarks import machine
from benchmarks.contenders.base import PREBUILT, Figures
from benchmarks.contenders.engines import engine, installed
from benchmarks.rows.calls import EXPORTS, cost, rate
from benchmarks.work import OURS, Metric, Suite, Work, at_least, at_most
from wasihost.jobs import Bound, Component

JOBS, ARROW = "Jobs", "Tables of Arrow"
PLAIN, HERE = "plain task", "in this process"
BATCH = 100
ROWS = 10_000
EACH_ROW = "a call for each row"
SCORES = Path(__file__).parents[2] / "examples" / "arrow" / "scores.wasm"


def works(suite: Suite) -> Iterator[Work]:
    tasks = max(1, round(suite.scale.seconds * 500))
    rounds = suite.scale.rounds
    for name in installed():
        called = {OURS: partial(calls, name, tasks), PLAIN: partial(plain, name, tasks)}
        metric = Metric(f"a call in a task of {name}", "µs of CPU", cost)
        yield Work(f"job-{name}", JOBS, called, (metric,), rounds)
        batched = {OURS: partial(batches, name, tasks), HERE: partial(batches_here, tasks)}
        metrics = (
            Metric(f"{BATCH} calls in a task of {name}, each", "µs of CPU", cost),
            Metric("the same less a plain task, each", "µs of CPU", added, (at_most(1.5, HERE),)),
        )
        yield Work(f"job-batch-{name}", JOBS, batched, metrics, rounds)
    if importlib.util.find_spec("pyarrow"):
        for way in ("ipc#score", "ipc#score-stream", "columns#score"):
            scored = {OURS: partial(table, way, tasks), EACH_ROW: partial(each_row, tasks)}
            metric = Metric(f"{ROWS:,} rows of (s64, f64), {way}", "rows/s", rate, (at_least(200, EACH_ROW),))
            yield Work(f"arrow-{way}", ARROW, scored, (metric,), rounds)


def added(found: Figures) -> float:
    """µs per call, without what the task itself takes."""
    return (found["ns"] - found["plain_ns"]) / found["calls"] / 1000


@cache
def echo() -> Bound:
    """`echo-u32` of a kept instance."""
    providers = {"test:exports/host": "benchmarks.rows.calls:Sleeper"}
    job = Component(PREBUILT / "rust-exports.wasm", providers=providers, instances="kept")
    return job.bind(f"{EXPORTS}#echo-u32")


# ---- jobs


def cpu_ns(run: Callable[[], object]) -> int:
    """What it costs."""
    start = machine.cpu_ns()
    run()
    return machine.cpu_ns() - start


def calls(name: str, tasks: int) -> Figures:
    engine(name).calls(echo(), range(1))  # the worker loads the component
    return {"calls": tasks, "ns": cpu_ns(lambda: engine(name).calls(echo(), range(tasks)))}


def plain(name: str, tasks: int) -> Figures:
    engine(name).plain(range(1))
    return {"calls": tasks, "ns": cpu_ns(lambda: engine(name).plain(range(tasks)))}


def batches(name: str, tasks: int) -> Figures:
    rows = [list(range(BATCH))] * tasks
    engine(name).batches(echo(), rows[:1])
    engine(name).plain(rows[:1])
    plain_ns = cpu_ns(lambda: engine(name).plain(rows))
    return {"calls": tasks * BATCH, "ns": cpu_ns(lambda: engine(name).batches(echo(), rows)), "plain_ns": plain_ns}


def batches_here(tasks: int) -> Figures:
    rows = [list(range(BATCH))] * tasks
    echo().each(rows[0])

    def run() -> None:
        for each in rows:
            echo().each(each)

    return {"calls": tasks * BATCH, "ns": cpu_ns(run), "plain_ns": 0}


# ---- tables


def duration_ns(run: Callable[[], object]) -> int:
    """How long it takes."""
    start = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start


@cache
def scores() -> Component:
    """The guest of examples/arrow."""
    return Component(SCORES, instances="kept")


def table(way: str, times: int) -> Figures:
    import pyarrow as pa

    from wasihost import arrow

    given = pa.table({"id": pa.array(range(ROWS), pa.int64()), "value": [n / 2 for n in range(ROWS)]})
    score = arrow.bind(scores(), f"example:scores/{way}")
    score(given)

    def run() -> None:
        for _ in range(times):
            score(given)

    return {"calls": times * ROWS, "ns": duration_ns(run)}


def each_row(times: int) -> Figures:
    score = scores().bind("example:scores/rows#score")
    rows = min(ROWS, times * BATCH)
    score(0, 0.0)

    def run() -> None:
        for n in range(rows):
            score(n, n / 2)

    return {"calls": rows, "ns": duration_ns(run)}
